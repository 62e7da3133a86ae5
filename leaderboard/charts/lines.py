"""Line charts: values along training, or against a number; thin lines for seeds, a thick one for their mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from leaderboard.charts.chart import Chart, rounded, shortened
from leaderboard.view import numbers


class Point(NamedTuple):
    """A point of a line. A missing y leaves a gap."""

    x: float
    y: float | None
    step: int | None = None
    """The training step, if x is something else: seeds are averaged at equal steps, and points are labelled by it."""


@dataclass(frozen=True)
class Series:
    """A quantity in every seed; a seed's points are joined in their order."""

    name: str
    seeds: Mapping[str, Sequence[Point]]
    group: str = ""
    """The panel in which it is drawn; panels stand side by side."""


@dataclass(frozen=True)
class Reference:
    """A value to compare with, drawn as a dashed line."""

    name: str
    y: float


def lines(name: str, x: str, y: str, series: Sequence[Series], references: Sequence[Reference] = ()) -> Chart | None:
    """The chart with the title `name`; None if there is no value to draw."""
    if not any(rounded(point.y) is not None for line in series for points in line.seeds.values() for point in points):
        return None
    summary = " ".join(
        f"{_called(line, label)}: {_range_text(points, x)}." for line in series for label, points in line.seeds.items()
    )
    summary += "".join(f" {reference.name}: {numbers.plain(reference.y)}." for reference in references)
    values = {
        "series": [_series(line) for line in series],
        "references": [{"name": shortened(reference.name), "y": rounded(reference.y)} for reference in references],
    }
    return Chart("lines", f"{shortened(name)}. {summary}"[:2000], x, y, values)


def _series(line: Series) -> dict[str, Any]:
    seeds = [{"name": label, "points": [_point(point) for point in points]} for label, points in line.seeds.items()]
    return {"name": shortened(line.name), "group": shortened(line.group), "seeds": seeds}


def _point(point: Point) -> list[float | None]:
    placed = [rounded(point.x), rounded(point.y)]
    return placed if point.step is None else [*placed, point.step]


def _called(series: Series, label: str) -> str:
    return ", ".join(shortened(part) for part in (series.group, series.name, label) if part)


def _range_text(points: Sequence[Point], x: str) -> str:
    drawn = [point for point in points if rounded(point.y) is not None]
    if not drawn:
        return "no value"
    (first, start, _), (last, end, _) = drawn[0], drawn[-1]
    return f"from {numbers.plain(start)} at {x} {first:g} to {numbers.plain(end)} at {x} {last:g}"
