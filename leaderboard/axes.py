"""Axes with round ticks, and the frame of a drawing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

LEFT, RIGHT, TOP, BOTTOM = 56.0, 24.0, 16.0, 48.0


@dataclass(frozen=True)
class Tick:
    """A mark on an axis."""

    at: str
    label: str


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
class Axis:
    """From values to places, with round ticks."""

    low: float
    high: float
    start: float
    end: float
    ticks: tuple[float, ...]

    @classmethod
    def over(
        cls, values: Sequence[float], start: float, end: float, bounds: tuple[float, float], *, exact: bool = False
    ) -> Axis:
        """An axis on which all values lie, with some room unless it is to be exact, within bounds."""
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
        """Where a value is drawn."""
        return self.start + (self.end - self.start) * (value - self.low) / (self.high - self.low)


def _step(span: float) -> float:
    size = 10.0 ** math.floor(math.log10(span / 4))
    return next(size * by for by in (1, 2, 5, 10) if size * by >= span / 6)


def plot_of(width: float, height: float, across: Axis, down: Axis) -> Plot:
    """A frame with the ticks of its axes."""
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
