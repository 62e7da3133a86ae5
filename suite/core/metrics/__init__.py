"""The table of metrics: the modules of this folder, and what others `register`. Imports neither lm-eval nor numpy.

A metric is one entry in one module. The entry determines how it is checked, computed, stored, recomputed, resampled and
shown.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from typing import Final

from suite.core.metrics._by_class import score_of_choices, score_of_labels
from suite.core.metrics._definition import (
    IGNORING,
    PERCENT,
    WRITTEN,
    MetricDefinition,
    MetricSettings,
    Over,
    Resampling,
)  # fmt: skip

__all__ = [
    "IGNORING", "PERCENT", "WRITTEN", "MetricDefinition", "MetricSettings", "Over", "Resampling", "metric_named",
    "metrics", "names_over", "register", "resampled", "score_of_choices", "score_of_labels",
]  # fmt: skip

_METRICS: Final[dict[str, MetricDefinition]] = {}


def register(*definitions: MetricDefinition) -> None:
    """Register metrics by their names. Raises ValueError if another metric has the name."""
    for definition in definitions:
        if _METRICS.setdefault(definition.name, definition) != definition:
            raise ValueError(f"there is a metric '{definition.name}' already")


def metrics() -> Mapping[str, MetricDefinition]:
    """All metrics that a task may name, except users' own functions."""
    _import_own()
    return _METRICS


def metric_named(name: str) -> MetricDefinition | None:
    """The metric of a name, ignoring a filter after a comma; None for the user's functions."""
    return metrics().get(name.partition(",")[0])


def names_over(*over: Over) -> frozenset[str]:
    """Names of the metrics that are computed over any of `over`."""
    return frozenset(name for name, metric in metrics().items() if metric.over in over)


def resampled(name: str) -> Resampling | None:
    """How a metric of a corpus is resampled; None for all others."""
    metric = metric_named(name)
    return None if metric is None else metric.resampling


@cache
def _import_own() -> None:
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
