"""What the values of a metric can be, as they are stored: shares are percentages."""

from __future__ import annotations

import math
from typing import Final

UNBOUNDED: Final = frozenset({
    "acc_all", "perplexity", "word_perplexity", "byte_perplexity", "bits_per_byte", "brier_score", "likelihood",
    "bypass",
})  # fmt: skip
"""Metrics that are no share of anything; they are kept as they are and cannot be a task's primary one."""

OF_DOCUMENTS: Final = frozenset({
    "acc", "acc_norm", "accuracy", "exact_match", "math_equal", "normalised_match", "number_match", "pass@1", "rouge1",
    "rouge2", "rougeL",
})  # fmt: skip
"""Metrics that every document has, so that a score is their mean."""


def range_of(metric: str) -> tuple[float, float]:
    """The least and the most that a metric's value can be."""
    if metric in UNBOUNDED:
        return -math.inf, math.inf
    if metric == "ter":  # edits may be more than words
        return 0.0, math.inf
    return (-100.0 if metric == "mcc" else 0.0), 100.0
