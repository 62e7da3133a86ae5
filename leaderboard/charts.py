"""The geometry of the drawings: whiskers, and the gain-against-kept scatter. Templates draw it as SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from leaderboard.axes import BOTTOM, LEFT, RIGHT, TOP, Axis, Plot, fixed, plot_of
from leaderboard.front import front, radius
from suite.stats import Estimate

WHISKER = 64.0
WIDTH, HEIGHT = 680.0, 420.0
LETTER = 6.4
"""Width of a letter of a point's label."""
CROWD = 40
"""Of more points only those on the front, and the control, have a name and intervals."""


@dataclass(frozen=True)
class Whisker:
    """A value on a line of 64 units, with the ends of its interval and where zero is."""

    at: str
    low: str | None
    high: str | None
    zero: str | None


def whisker(value: Estimate, span: tuple[float, float]) -> Whisker | None:
    """Where a value and its interval lie on a span; ends beyond it are cut."""
    if not math.isfinite(value.value):
        return None

    def place(number: float) -> str:
        share = (number - span[0]) / ((span[1] - span[0]) or 1.0)
        return fixed(2 + (WHISKER - 4) * min(1.0, max(0.0, share)))

    bounded = value.low is not None and value.high is not None and math.isfinite(value.low)
    low, high = (place(value.low or 0.0), place(value.high or 0.0)) if bounded else (None, None)
    return Whisker(place(value.value), low, high, place(0.0) if span[0] < 0 else None)


@dataclass(frozen=True)
class Dot:
    """What the scatter shows of a row."""

    name: str
    href: str
    x: Estimate
    y: Estimate
    base: bool
    """Whether it is the model that nothing was trained of."""
    cost: float | None
    """Seconds of training: how large the point is."""
    place: int
    """The row's place on the board, which scripts know it by."""


@dataclass(frozen=True)
class Point:
    """A row in the scatter, placed."""

    dot: Dot
    at: tuple[str, str]
    across: tuple[str, str] | None
    """Ends of the horizontal whisker."""
    down: tuple[str, str] | None
    label: tuple[str, str]
    anchor: str
    text: str
    radius: str


@dataclass(frozen=True)
class Scatter:
    """Gain against kept."""

    plot: Plot
    points: tuple[Point, ...]
    front: str
    """The Pareto front, as the path of a stair."""
    best: tuple[str, ...]
    """The names on it, from the most kept to the most gained."""


def scatter(dots: Sequence[Dot]) -> Scatter | None:
    """Rows by target score (x) and Norm. Avg. (y); None when there is nothing to place."""
    dots = [dot for dot in dots if math.isfinite(dot.x.value) and math.isfinite(dot.y.value)]
    if not dots:
        return None
    across = Axis.over([end for dot in dots for end in _ends(dot.x)], LEFT, WIDTH - RIGHT, (0.0, 100.0))
    down = Axis.over([end for dot in dots for end in _ends(dot.y)], HEIGHT - BOTTOM, TOP, (0.0, 100.0))
    places = [(across.place(dot.x.value), down.place(dot.y.value)) for dot in dots]
    most = max((dot.cost or 0.0 for dot in dots), default=0.0)
    sizes = [radius(dot.cost, most) for dot in dots]
    taken = [(x - r - 1, y - r - 1, x + r + 1, y + r + 1) for (x, y), r in zip(places, sizes, strict=True)]
    best = front([(dot.x.value, dot.y.value) for dot in dots])
    points = [
        _bare(dot, place, size)
        if len(dots) > CROWD and at not in best and not dot.base
        else _point(dot, place, size, across, down, taken)
        for at, (dot, place, size) in enumerate(zip(dots, places, sizes, strict=True))
    ]
    stair = _stair([places[place] for place in best])
    return Scatter(
        plot_of(WIDTH, HEIGHT, across, down), tuple(points), stair, tuple(dots[place].name for place in best)
    )


def _bare(dot: Dot, place: tuple[float, float], size: float) -> Point:
    """One of so many that names and intervals would cover each other."""
    return Point(dot, (fixed(place[0]), fixed(place[1])), None, None, ("0", "0"), "start", "", fixed(size / 1.5))


def _stair(corners: Sequence[tuple[float, float]]) -> str:
    """From the left edge along the front and down to the bottom: what lies below and to the left of it is beaten."""
    path = [f"M{fixed(LEFT)} {fixed(corners[0][1])}H{fixed(corners[0][0])}"]
    path += [f"V{fixed(y)}H{fixed(x)}" for x, y in corners[1:]]
    return "".join((*path, f"V{fixed(HEIGHT - BOTTOM)}"))


_Box = tuple[float, float, float, float]


def _point(dot: Dot, place: tuple[float, float], size: float, across: Axis, down: Axis, taken: list[_Box]) -> Point:
    (x, y), away = place, size + 4.5
    text = dot.name if len(dot.name) <= 30 else dot.name[:29] + "…"
    width = LETTER * len(text)
    choices = [
        (x + away, y + 4, "start"),
        (x - away, y + 4, "end"),
        *((x, y + dy, "middle") for dy in (-away - 2, away + 10, -away - 16, away + 24)),
    ]
    label, box = choices[0], _box(*choices[0], width)
    for choice in choices:
        candidate = _box(*choice, width)
        inside = (
            candidate[0] >= LEFT and candidate[2] <= WIDTH and candidate[1] >= 0 and candidate[3] <= HEIGHT - BOTTOM
        )
        if inside and not any(_meet(candidate, other) for other in taken):
            label, box = choice, candidate
            break
    else:
        if box[2] > WIDTH:
            label, box = choices[1], _box(*choices[1], width)
    taken.append(box)
    ends = [(_range(value, axis)) for value, axis in ((dot.x, across), (dot.y, down))]
    at, said = (fixed(x), fixed(y)), (fixed(label[0]), fixed(label[1]))
    return Point(dot, at, ends[0], ends[1], said, label[2], text, fixed(size))


def _box(x: float, y: float, anchor: str, width: float) -> _Box:
    start = {"start": x, "end": x - width, "middle": x - width / 2}[anchor]
    return (start, y - 10, start + width, y + 3)


def _meet(a: _Box, b: _Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _ends(value: Estimate) -> list[float]:
    ends = [end for end in (value.low, value.high) if end is not None and math.isfinite(end)]
    return [value.value, *(min(100.0, max(0.0, end)) for end in ends)]


def _range(value: Estimate, axis: Axis) -> tuple[str, str] | None:
    if value.low is None or value.high is None or not math.isfinite(value.low):
        return None
    return fixed(axis.place(max(axis.low, value.low))), fixed(axis.place(min(axis.high, value.high)))
