"""The possible values of metrics."""

from __future__ import annotations

from typing import Final

from suite.core.metrics import metric_named
from suite.stats.estimate import PERCENT, Scale

ROUNDING: Final = 1e-6
"""How far rounding may carry a score off its scale."""


def scale_of(metric: str) -> Scale:
    """The smallest and the largest possible value of a metric; `metric` may include filters after a comma."""
    definition = metric_named(metric)
    return PERCENT if definition is None else definition.range


def on_scale(value: float, metric: str) -> float:
    """A score, moved back onto its scale if rounding carried it off, as in 100.00000000000004."""
    low, high = scale_of(metric)
    inside = min(max(value, low), high)
    return inside if abs(value - inside) < ROUNDING else value
