"""Metrics of a whole corpus, computed again from stored answers."""

from __future__ import annotations

from collections.abc import Sequence

from suite.core.corpus import stored_pairs
from suite.core.metrics import MetricDefinition, Resampling, metric_named
from suite.stats.sample import Clusters, sample_of_counts


def corpus_metric(name: str) -> MetricDefinition | None:
    """The metric of that name, if it can be computed again from the texts of answers."""
    metric = metric_named(name)
    return metric if metric is not None and metric.over == "corpus" else None


def scores_of(metric: MetricDefinition, pairs: Sequence[tuple[str, str]], tokenizer: str) -> list[float]:
    """The score of a metric of a corpus over (right answer as stored, what was read from the output).

    A second one where the right answers may be lists of several.
    """
    return [metric.corpus_score(reading, tokenizer) for reading in stored_pairs(pairs)]


def errors_of(
    resampling: Resampling, pairs: Sequence[tuple[str, str]], names: Sequence[str], tokenizer: str
) -> list[float]:
    """The standard error by bootstrap, with and without equal names as one document; of fewer than two none."""
    same = Clusters.of(names)
    if len(pairs) < 2 or (same is not None and same.count < 2):
        return []
    counts = [resampling.counts(reading, tokenizer) for reading in stored_pairs(pairs)]
    return [sample_of_counts(sums, resampling, clusters).stderr for sums in counts for clusters in (same, None)]
