"""What the values of a metric can be."""

from __future__ import annotations

from typing import Final

from suite.core.metrics import metric_named
from suite.stats.estimate import PERCENT, Scale

ROUNDING: Final = 1e-6
"""So far may a score leave its scale by rounding."""


def scale_of(metric: str) -> Scale:
    """The least and the most that a metric can be; `metric` may name the filters behind a comma."""
    definition = metric_named(metric)
    return PERCENT if definition is None else definition.range


def on_scale(value: float, metric: str) -> float:
    """A score without the last digit by which rounding took it off its scale, as in 100.00000000000004."""
    low, high = scale_of(metric)
    inside = min(max(value, low), high)
    return inside if abs(value - inside) < ROUNDING else value
