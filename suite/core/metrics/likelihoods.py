"""lm-eval's metrics that are not shares: they are kept unscaled and cannot be a task's primary metric."""

from __future__ import annotations

import math

from suite.core.metrics import WRITTEN, MetricDefinition, register


def _cost(name: str, kind: str, aggregation: str) -> MetricDefinition:
    return MetricDefinition(
        name, over="likelihoods", range=(0.0, math.inf), higher_is_better=False, output_types=frozenset({kind}),
        aggregation=aggregation,
    )  # fmt: skip


def _any(name: str, *kinds: str, aggregation: str = "mean") -> MetricDefinition:
    unbounded = (-math.inf, math.inf)
    return MetricDefinition(
        name, over="likelihoods", range=unbounded, output_types=frozenset(kinds), aggregation=aggregation
    )


register(
    _cost("perplexity", "loglikelihood", "perplexity"),
    _cost("word_perplexity", "loglikelihood_rolling", "weighted_perplexity"),
    _cost("byte_perplexity", "loglikelihood_rolling", "weighted_perplexity"),
    _cost("bits_per_byte", "loglikelihood_rolling", "bits_per_byte"),
    _cost("brier_score", "multiple_choice", "brier_score"),
    MetricDefinition("acc_all", over="likelihoods", range=(0.0, 1.0), output_types=frozenset()),
    _any("likelihood", "multiple_choice"),
    _any("bypass", WRITTEN, aggregation="bypass"),
)
