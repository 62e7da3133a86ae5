"""F1 and Matthews correlation by scikit-learn's definitions; equal to lm-eval's for two choices.

F1 is that of the positive class if there is one. Otherwise it is macro-F1, the mean over the labels that are a target
or an answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from suite.core.metrics import WRITTEN, MetricDefinition, register

if TYPE_CHECKING:
    from suite.core.confusion import Counts, Measured

_KINDS = frozenset({WRITTEN, "multiple_choice"})


def f1(counts: Counts, positive: int | None) -> Measured:
    """F1 of the positive class, or macro-F1."""
    from suite.core import confusion

    return confusion.macro_f1(counts) if positive is None else confusion.f1_of(counts, positive)


def matthews(counts: Counts, positive: int | None) -> Measured:
    """Matthews correlation; it has no positive class."""
    from suite.core import confusion

    return confusion.matthews(counts)


register(
    MetricDefinition(
        "f1", over="classes", output_types=_KINDS, options=frozenset({"pos_label"}), class_score=f1
    ),
    MetricDefinition(
        "mcc", over="classes", range=(-100.0, 100.0), output_types=_KINDS, aggregation="matthews_corrcoef",
        class_score=matthews,
    ),
)  # fmt: skip
