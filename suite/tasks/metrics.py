"""Our metrics under lm-eval's names for them; importing this module registers them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import lm_eval.api.metrics  # noqa: F401  (registers the aggregations that are named below)
from lm_eval.api.registry import register_metric

from suite.tasks.lm_eval_names import OUR_METRICS
from suite.tasks.scoring import EACH, Metric, score


def _register(name: str, value: Callable[..., Any]) -> None:
    register_metric(metric=name, higher_is_better=True, output_type="generate_until", aggregation="mean")(value)


def _of_one(name: str) -> Callable[..., float]:
    def value(references: Sequence[str], predictions: Sequence[str], **options: Any) -> float:
        return score(Metric(name, options), references, predictions[0])

    return value


def by_name(name: str) -> Callable[..., float]:
    """Stands for a metric that `LoadedTask` computes; lm-eval only asks for its name."""

    def value(**_: Any) -> float:
        raise NotImplementedError

    value.__name__ = name
    return value


def _whole_document(**_: Any) -> float:
    """`pass@1` is 1 if the tests of `metadata.program` run to their end: `LoadedTask` knows the document."""
    raise NotImplementedError


for _name in sorted(OUR_METRICS):
    _register(_name, _of_one(_name) if _name in EACH else _whole_document)
