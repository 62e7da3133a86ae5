"""The geometry of the drawings: whiskers, the gain-against-kept scatter, learning curves. Templates draw it as SVG."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from leaderboard.front import front, radius
from suite.stats import Estimate

WHISKER = 64.0
WIDTH, HEIGHT = 680.0, 420.0
LEFT, RIGHT, TOP, BOTTOM = 56.0, 24.0, 16.0, 48.0
LETTER = 6.4
"""Width of a letter of a point's label."""
CURVE_WIDTH, CURVE_HEIGHT = 620.0, 240.0


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
class Tick:
    """A mark on an axis."""

    at: str
    label: str


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
class Plot:
    """A drawing's frame and ticks."""

    width: str
    height: str
    left: str
    right: str
    top: str
    bottom: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]


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
    across = _Axis.over([end for dot in dots for end in _ends(dot.x)], LEFT, WIDTH - RIGHT, (0.0, 100.0))
    down = _Axis.over([end for dot in dots for end in _ends(dot.y)], HEIGHT - BOTTOM, TOP, (0.0, 100.0))
    places = [(across.place(dot.x.value), down.place(dot.y.value)) for dot in dots]
    most = max((dot.cost or 0.0 for dot in dots), default=0.0)
    sizes = [radius(dot.cost, most) for dot in dots]
    taken = [(x - r - 1, y - r - 1, x + r + 1, y + r + 1) for (x, y), r in zip(places, sizes, strict=True)]
    points = [
        _point(dot, place, size, across, down, taken) for dot, place, size in zip(dots, places, sizes, strict=True)
    ]
    best = front([(dot.x.value, dot.y.value) for dot in dots])
    stair = _stair([places[place] for place in best])
    return Scatter(_plot(WIDTH, HEIGHT, across, down), tuple(points), stair, tuple(dots[place].name for place in best))


def _stair(corners: Sequence[tuple[float, float]]) -> str:
    """From the left edge along the front and down to the bottom: what lies below and to the left of it is beaten."""
    path = [f"M{fixed(LEFT)} {fixed(corners[0][1])}H{fixed(corners[0][0])}"]
    path += [f"V{fixed(y)}H{fixed(x)}" for x, y in corners[1:]]
    return "".join((*path, f"V{fixed(HEIGHT - BOTTOM)}"))


_Box = tuple[float, float, float, float]


def _point(dot: Dot, place: tuple[float, float], size: float, across: _Axis, down: _Axis, taken: list[_Box]) -> Point:
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


def _range(value: Estimate, axis: _Axis) -> tuple[str, str] | None:
    if value.low is None or value.high is None or not math.isfinite(value.low):
        return None
    return fixed(axis.place(max(axis.low, value.low))), fixed(axis.place(min(axis.high, value.high)))


@dataclass(frozen=True)
class Line:
    """One seed's curve: pieces between missing values."""

    label: str
    kind: int
    """0, 1, 2 …: how it is dashed."""
    pieces: tuple[str, ...]
    dots: tuple[tuple[str, str], ...]
    """Single points, drawn when there are few."""
    said: str
    """The curve in words."""


@dataclass(frozen=True)
class Curves:
    """A learning curve of every seed."""

    plot: Plot
    lines: tuple[Line, ...]


def curves(series: Mapping[str, Sequence[tuple[int, float | None]]]) -> Curves | None:
    """Label -> (step, value) in the order of steps; None when there is no value to draw."""
    known = [(step, value) for points in series.values() for step, value in points if _finite(value)]
    if not known:
        return None
    across = _Axis.over(
        [0.0, *(float(step) for step, _ in known)], LEFT, CURVE_WIDTH - RIGHT, (0.0, math.inf), exact=True
    )
    down = _Axis.over([value or 0.0 for _, value in known], CURVE_HEIGHT - BOTTOM, TOP, (-math.inf, math.inf))
    lines = [_line(label, kind, points, across, down) for kind, (label, points) in enumerate(series.items())]
    return Curves(_plot(CURVE_WIDTH, CURVE_HEIGHT, across, down), tuple(lines))


def _line(label: str, kind: int, points: Sequence[tuple[int, float | None]], across: _Axis, down: _Axis) -> Line:
    pieces: list[list[str]] = [[]]
    dots: list[tuple[str, str]] = []
    known: list[tuple[int, float]] = []
    for step, value in points:
        if value is None or not math.isfinite(value):
            pieces.append([])
            continue
        known.append((step, value))
        dots.append((fixed(across.place(step)), fixed(down.place(value))))
        pieces[-1].append(",".join(dots[-1]))
    said = "no value"
    if known:
        (first, start), (last, end) = known[0], known[-1]
        said = f"from {start:.4g} at step {first} to {end:.4g} at step {last}"
    shown = tuple(dots) if len(dots) <= 40 else ()
    return Line(label, kind, tuple(" ".join(piece) for piece in pieces if len(piece) > 1), shown, said)


def _finite(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


@dataclass(frozen=True)
class _Axis:
    """From values to places, with round ticks."""

    low: float
    high: float
    start: float
    end: float
    ticks: tuple[float, ...]

    @classmethod
    def over(
        cls, values: Sequence[float], start: float, end: float, bounds: tuple[float, float], *, exact: bool = False
    ) -> _Axis:
        low, high = min(values), max(values)
        room = 0.0 if exact else 0.06 * (high - low)
        if high - low < 1e-9:
            room = max(abs(high) * 0.1, 0.5)
        low, high = max(bounds[0], low - room), min(bounds[1], high + room)
        step = _step(high - low)
        first = math.ceil(low / step - 1e-9)
        ticks = tuple(step * k for k in range(first, first + 12) if step * k <= high + 1e-9 * step)
        return cls(low, high, start, end, ticks)

    def place(self, value: float) -> float:
        return self.start + (self.end - self.start) * (value - self.low) / (self.high - self.low)


def _step(span: float) -> float:
    size = 10.0 ** math.floor(math.log10(span / 4))
    return next(size * by for by in (1, 2, 5, 10) if size * by >= span / 6)


def _plot(width: float, height: float, across: _Axis, down: _Axis) -> Plot:
    x_ticks = tuple(Tick(fixed(across.place(tick)), f"{tick:g}") for tick in across.ticks)
    y_ticks = tuple(Tick(fixed(down.place(tick)), f"{tick:g}".replace("-", "−")) for tick in down.ticks)
    return Plot(
        fixed(width),
        fixed(height),
        fixed(LEFT),
        fixed(width - RIGHT),
        fixed(TOP),
        fixed(height - BOTTOM),
        x_ticks,
        y_ticks,
    )


def fixed(value: float) -> str:
    """A coordinate: a tenth of a unit is enough."""
    return f"{value:.1f}".removesuffix(".0")
