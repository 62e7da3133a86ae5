"""The match of the MATH data set: the same answer in LaTeX, however it is written."""

from __future__ import annotations

from suite.core.latex import last_boxed, same
from suite.core.metrics import MetricDefinition, MetricSettings, register


def math_equal(reference: str, answer: str, settings: MetricSettings) -> float:
    """1 if the answer has in its last box (or is) what the reference has there, but for the way it is written."""
    ours, theirs = last_boxed(answer), last_boxed(reference)
    return float(same(answer if ours is None else ours, reference if theirs is None else theirs))


register(MetricDefinition("math_equal", document_score=math_equal))
