"""The match of the MATH data set: equal answers in LaTeX, up to notation."""

from __future__ import annotations

from suite.core.latex import last_boxed, same
from suite.core.metrics import MetricDefinition, MetricSettings, register


def math_equal(reference: str, answer: str, settings: MetricSettings) -> float:
    """1 if the answer's last box (or the whole answer) equals the reference's, up to notation."""
    ours, theirs = last_boxed(answer), last_boxed(reference)
    return float(same(answer if ours is None else ours, reference if theirs is None else theirs))


register(MetricDefinition("math_equal", document_score=math_equal))
