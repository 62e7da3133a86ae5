"""The chart of gained against kept: a point a row, its intervals, its price and the Pareto front."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from leaderboard.charts.chart import Chart, ends, listed, rounded, shortened
from leaderboard.charts.pareto import pareto_front
from leaderboard.view import numbers
from suite.stats import Estimate

CROWD = 40
"""Of more points only those on the front, and the control, have a name and intervals."""
MOST = 100
"""Of more points only these are in the table, so that the page stays light."""


@dataclass(frozen=True)
class TradeoffPoint:
    """What the chart shows of a row."""

    name: str
    href: str
    x: Estimate
    y: Estimate
    base: bool
    """Whether it is the model that nothing was trained of."""
    cost: float | None
    """Seconds of training: how large the point is."""
    index: int
    """The row's place on the board, which scripts know it by."""


@dataclass(frozen=True)
class Tradeoff:
    """The chart, and the same as a table."""

    chart: Chart
    rows: tuple[tuple[TradeoffPoint, tuple[str, str, str, str]], ...]
    """(row, target score, held-out average, training, whether it is on the front)."""
    left_out: int
    """Points that the table does not have."""
    best: tuple[str, ...]
    """The names on the front, from the most kept to the most gained."""


def tradeoff(dots: Sequence[TradeoffPoint], x: str, y: str) -> Tradeoff | None:
    """Rows by target score (x) and held-out average (y); None when there is nothing to place."""
    dots = [dot for dot in dots if math.isfinite(dot.x.value) and math.isfinite(dot.y.value)]
    if not dots:
        return None
    best = pareto_front([(dot.x.value, dot.y.value) for dot in dots])
    named = {at for at, dot in enumerate(dots) if dot.base or at in best or len(dots) <= CROWD}
    points = [_point(dot, at in named) for at, dot in enumerate(dots)]
    told = [at for at in range(len(dots)) if at in named or len(dots) <= MOST]
    names = tuple(dots[at].name for at in best)
    label = f"Gained against kept: {len(dots)} experiments. On the front: {listed(names)}."
    chart = Chart("scatter", label, x, y, {"points": points, "front": list(best)})
    rows = tuple((dots[at], (*_row(dots[at]), "yes" if at in best else "no")) for at in told)
    return Tradeoff(chart, rows, len(dots) - len(rows), names)


def _point(dot: TradeoffPoint, named: bool) -> dict[str, Any]:
    """What is drawn of a row: of one in a crowd its place alone, as names and intervals would cover each other."""
    point = {"name": shortened(dot.name), "href": dot.href, "at": dot.index, "cost": rounded(dot.cost)}
    point |= {"x": ends(dot.x) if named else [rounded(dot.x.value)]}
    point |= {"y": ends(dot.y) if named else [rounded(dot.y.value)]}
    point |= {"named": True} if named else {}
    return point | ({"base": True} if dot.base else {})


def _row(dot: TradeoffPoint) -> tuple[str, str, str]:
    time = numbers.MISSING if dot.cost is None or dot.base else numbers.seconds(dot.cost)
    return _told(dot.x), _told(dot.y), time


def _told(value: Estimate) -> str:
    return f"{numbers.score(value.value)} {numbers.margin(value)}".rstrip()
