"""lm-eval's metrics for the share of documents whose right choice is the likeliest."""

from __future__ import annotations

from suite.core.metrics import MetricDefinition, register

register(
    MetricDefinition("acc", output_types=frozenset({"multiple_choice", "loglikelihood"})),
    *(
        MetricDefinition(name, output_types=frozenset({"multiple_choice"}))
        for name in ("acc_norm", "acc_bytes", "acc_mutual_info")
    ),
)
