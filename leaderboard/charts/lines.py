"""Charts of lines: values along training, or against a number; thin lines for seeds, a thick one for their mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from leaderboard.charts.chart import Chart, rounded, shortened
from leaderboard.view import numbers


class Point(NamedTuple):
    """A place on a line. A missing y leaves a gap."""

    x: float
    y: float | None
    step: int | None = None
    """What seeds are averaged at and points are named by, where that is not x."""


@dataclass(frozen=True)
class Series:
    """A thing that is followed, in every seed; the points of a seed are joined in their order."""

    name: str
    seeds: Mapping[str, Sequence[Point]]
    group: str = ""
    """The panel that it is drawn in; panels stand side by side."""


@dataclass(frozen=True)
class Reference:
    """A value to compare with: a dashed line."""

    name: str
    y: float


def lines(name: str, x: str, y: str, series: Sequence[Series], references: Sequence[Reference] = ()) -> Chart | None:
    """The chart that is called `name`; None when there is no value to draw."""
    if not any(rounded(point.y) is not None for each in series for points in each.seeds.values() for point in points):
        return None
    said = " ".join(
        f"{_called(each, label)}: {_said(points, x)}." for each in series for label, points in each.seeds.items()
    )
    said += "".join(f" {each.name}: {numbers.plain(each.y)}." for each in references)
    values = {
        "series": [_series(each) for each in series],
        "references": [{"name": shortened(each.name), "y": rounded(each.y)} for each in references],
    }
    return Chart("lines", f"{shortened(name)}. {said}"[:2000], x, y, values)


def _series(each: Series) -> dict[str, Any]:
    seeds = [{"name": label, "points": [_point(point) for point in points]} for label, points in each.seeds.items()]
    return {"name": shortened(each.name), "group": shortened(each.group), "seeds": seeds}


def _point(point: Point) -> list[float | None]:
    placed = [rounded(point.x), rounded(point.y)]
    return placed if point.step is None else [*placed, point.step]


def _called(series: Series, label: str) -> str:
    return ", ".join(shortened(part) for part in (series.group, series.name, label) if part)


def _said(points: Sequence[Point], x: str) -> str:
    known = [point for point in points if rounded(point.y) is not None]
    if not known:
        return "no value"
    (first, start, _), (last, end, _) = known[0], known[-1]
    return f"from {numbers.plain(start)} at {x} {first:g} to {numbers.plain(end)} at {x} {last:g}"
