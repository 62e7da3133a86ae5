"""What the values of a metric can be."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from suite.stats.estimate import PERCENT, UNBOUNDED, Scale

ROUNDING: Final = 1e-6
"""So far may a score leave its scale by rounding."""
SCALES: Final[Mapping[str, Scale]] = {
    "mcc": (-100.0, 100.0), "ter": (0.0, math.inf), "perplexity": (0.0, math.inf), "word_perplexity": (0.0, math.inf),
    "byte_perplexity": (0.0, math.inf), "bits_per_byte": (0.0, math.inf), "acc_all": (0.0, 1.0),
    "brier_score": (0.0, math.inf), "likelihood": UNBOUNDED, "bypass": UNBOUNDED,
}  # fmt: skip
"""What the values of some metrics can be; those of all others are from 0 to 100."""


def scale_of(metric: str) -> Scale:
    """The least and the most that a metric can be; `metric` may name the filters behind a comma."""
    return SCALES.get(metric.partition(",")[0], PERCENT)


def on_scale(value: float, metric: str) -> float:
    """A score without the last digit by which rounding took it off its scale, as in 100.00000000000004."""
    low, high = scale_of(metric)
    inside = min(max(value, low), high)
    return inside if abs(value - inside) < ROUNDING else value
