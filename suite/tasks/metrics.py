"""Our metrics under the names that lm-eval uses; importing this module registers them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import lm_eval.api.metrics  # noqa: F401  (registers the aggregations that are named below)
from lm_eval.api.registry import METRIC_REGISTRY, register_aggregation, register_metric

from suite.core.metrics import MetricDefinition, metrics
from suite.tasks.scoring import Metric, score


def register_own() -> None:
    """Register the metrics of the table that lm-eval lacks."""
    for name, metric in sorted(metrics().items()):
        if name not in METRIC_REGISTRY:
            _register(metric)


def _register(metric: MetricDefinition) -> None:
    """Register one metric. A metric that only `LoadedTask` computes is just a name to lm-eval."""
    if metric.aggregation != "mean":
        register_aggregation(metric.aggregation)(by_name(metric.aggregation))
    value = _of_one(metric.name) if metric.document_score is not None else by_name(metric.name)
    options = {"higher_is_better": metric.higher_is_better, "aggregation": metric.aggregation}
    register_metric(metric=metric.name, output_type="generate_until", **options)(value)


def _of_one(name: str) -> Callable[..., float]:
    def value(references: Sequence[str], predictions: Sequence[str], **options: Any) -> float:
        return score(Metric(name, options), references, predictions[0])

    return value


def by_name(name: str) -> Callable[..., float]:
    """A placeholder for a metric that `LoadedTask` computes; lm-eval only uses its name."""

    def value(**_: Any) -> float:
        raise NotImplementedError

    value.__name__ = name
    return value


register_own()
