"""Whiskers: the positions of a value and its interval on the short line in a table's cell."""

from __future__ import annotations

import math
from dataclasses import dataclass

from suite.stats import Estimate

WHISKER = 64.0


@dataclass(frozen=True)
class Whisker:
    """Positions on a line of 64 units: the value, the ends of its interval, and zero."""

    at: str
    low: str | None
    high: str | None
    zero: str | None


def whisker(value: Estimate, span: tuple[float, float]) -> Whisker | None:
    """The positions of a value and its interval on a span, cut at the span's ends; None if the value is not finite."""
    if not math.isfinite(value.value):
        return None

    def position(number: float) -> str:
        share = (number - span[0]) / ((span[1] - span[0]) or 1.0)
        return f"{2 + (WHISKER - 4) * min(1.0, max(0.0, share)):.1f}".removesuffix(".0")

    bounded = value.low is not None and value.high is not None and math.isfinite(value.low)
    low, high = (position(value.low or 0.0), position(value.high or 0.0)) if bounded else (None, None)
    return Whisker(position(value.value), low, high, position(0.0) if span[0] < 0 else None)
