"""Metrics of all answers together by class; `suite.tasks.class_scores` computes them."""

from __future__ import annotations

from suite.core.metrics import WRITTEN, MetricDefinition, register

_KINDS = frozenset({WRITTEN, "multiple_choice"})

register(
    MetricDefinition(
        "f1", over="classes", factor=100.0, output_types=_KINDS, options=frozenset({"pos_label"}), aggregation="f1"
    ),
    MetricDefinition(
        "mcc", over="classes", range=(-100.0, 100.0), factor=100.0, output_types=_KINDS,
        aggregation="matthews_corrcoef",
    ),
)  # fmt: skip
