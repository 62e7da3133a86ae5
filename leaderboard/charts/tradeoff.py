"""The chart of gained against kept, as changes from the pretrained model, with intervals and the Pareto front."""

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
"""With more points, only the control and those on the front have a name and intervals."""
MOST = 100
"""With more points, only named points are in the table, to keep the page small."""


@dataclass(frozen=True)
class TradeoffPoint:
    """The values of a row in the chart."""

    name: str
    href: str
    x: Estimate
    y: Estimate
    base: bool
    """Whether it is the pretrained model."""
    cost: float | None
    """Seconds of training; the size of the point shows it."""
    index: int
    """The row's index on the board, by which scripts know it."""
    learned: bool = True
    """Whether it may be on the front: a row that did not learn its target is not."""


@dataclass(frozen=True)
class Tradeoff:
    """The chart and its table."""

    chart: Chart
    rows: tuple[tuple[TradeoffPoint, tuple[str, str, str, str]], ...]
    """(row, (gained, kept, training time, whether it is on the front))."""
    omitted: int
    """Number of points that are not in the table."""
    best: tuple[str, ...]
    """The names on the front, from the most kept to the most gained."""


def tradeoff(points: Sequence[TradeoffPoint], x: str, y: str) -> Tradeoff | None:
    """The chart of rows by what they gained (x) and kept (y); None if no row has both."""
    points = [point for point in points if math.isfinite(point.x.value) and math.isfinite(point.y.value)]
    if all(point.base for point in points):
        return None
    learners = [index for index, point in enumerate(points) if point.learned and not point.base]
    front = pareto_front([(points[index].x.value, points[index].y.value) for index in learners])
    best = [learners[index] for index in front]
    named = {index for index, point in enumerate(points) if point.base or index in best or len(points) <= CROWD}
    drawn = [_point(point, index in named) for index, point in enumerate(points)]
    listed_indices = [index for index in range(len(points)) if index in named or len(points) <= MOST]
    names = tuple(points[index].name for index in best)
    label = f"Gained against kept: {len(points)} experiments. On the front: {listed(names) or 'none'}."
    chart = Chart("scatter", label, x, y, {"points": drawn, "front": list(best)})
    rows = tuple((points[index], (*_row(points[index]), "yes" if index in best else "no")) for index in listed_indices)
    return Tradeoff(chart, rows, len(points) - len(rows), names)


def _point(point: TradeoffPoint, named: bool) -> dict[str, Any]:
    """A row's point as drawn. Without `named`, only its position: in a crowd, names and intervals would overlap."""
    drawn = {"name": shortened(point.name), "href": point.href, "at": point.index, "cost": rounded(point.cost)}
    drawn |= {"x": ends(point.x) if named else [rounded(point.x.value)]}
    drawn |= {"y": ends(point.y) if named else [rounded(point.y.value)]}
    drawn |= {"named": True} if named else {}
    return drawn | ({"base": True} if point.base else {}) | ({} if point.learned else {"pale": True})


def _row(point: TradeoffPoint) -> tuple[str, str, str]:
    time = numbers.MISSING if point.cost is None or point.base else numbers.seconds(point.cost)
    return _score_text(point.x), _score_text(point.y), time


def _score_text(value: Estimate) -> str:
    return f"{numbers.score(value.value, signed=True)} {numbers.margin(value, signed=True)}".rstrip()
