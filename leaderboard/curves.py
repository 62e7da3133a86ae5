"""The geometry of curves: a value along training, or against a number of examples, a line for each seed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from leaderboard.axes import BOTTOM, LEFT, RIGHT, TOP, Axis, Plot, fixed, plot_of

WIDTH, HEIGHT = 620.0, 240.0


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
    across = Axis.over([0.0, *(float(step) for step, _ in known)], LEFT, WIDTH - RIGHT, (0.0, math.inf), exact=True)
    down = Axis.over([value or 0.0 for _, value in known], HEIGHT - BOTTOM, TOP, (-math.inf, math.inf))
    lines = [_line(label, kind, points, across, down) for kind, (label, points) in enumerate(series.items())]
    return Curves(plot_of(WIDTH, HEIGHT, across, down), tuple(lines))


def _line(label: str, kind: int, points: Sequence[tuple[int, float | None]], across: Axis, down: Axis) -> Line:
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
