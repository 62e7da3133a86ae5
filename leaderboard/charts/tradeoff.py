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
    omitted: int
    """Points that the table does not have."""
    best: tuple[str, ...]
    """The names on the front, from the most kept to the most gained."""


def tradeoff(points: Sequence[TradeoffPoint], x: str, y: str) -> Tradeoff | None:
    """Rows by target score (x) and held-out average (y); None when there is nothing to place."""
    points = [point for point in points if math.isfinite(point.x.value) and math.isfinite(point.y.value)]
    if not points:
        return None
    best = pareto_front([(point.x.value, point.y.value) for point in points])
    named = {index for index, point in enumerate(points) if point.base or index in best or len(points) <= CROWD}
    drawn = [_point(point, index in named) for index, point in enumerate(points)]
    listed_indices = [index for index in range(len(points)) if index in named or len(points) <= MOST]
    names = tuple(points[index].name for index in best)
    label = f"Gained against kept: {len(points)} experiments. On the front: {listed(names)}."
    chart = Chart("scatter", label, x, y, {"points": drawn, "front": list(best)})
    rows = tuple((points[index], (*_row(points[index]), "yes" if index in best else "no")) for index in listed_indices)
    return Tradeoff(chart, rows, len(points) - len(rows), names)


def _point(point: TradeoffPoint, named: bool) -> dict[str, Any]:
    """What is drawn of a row: of one in a crowd its place alone, as names and intervals would cover each other."""
    drawn = {"name": shortened(point.name), "href": point.href, "at": point.index, "cost": rounded(point.cost)}
    drawn |= {"x": ends(point.x) if named else [rounded(point.x.value)]}
    drawn |= {"y": ends(point.y) if named else [rounded(point.y.value)]}
    drawn |= {"named": True} if named else {}
    return drawn | ({"base": True} if point.base else {})


def _row(point: TradeoffPoint) -> tuple[str, str, str]:
    time = numbers.MISSING if point.cost is None or point.base else numbers.seconds(point.cost)
    return _score_text(point.x), _score_text(point.y), time


def _score_text(value: Estimate) -> str:
    return f"{numbers.score(value.value)} {numbers.margin(value)}".rstrip()
