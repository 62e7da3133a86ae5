"""Corpus metrics, recomputed from stored answers."""

from __future__ import annotations

from collections.abc import Sequence

from suite.core.corpus import stored_pairs
from suite.core.metrics import MetricDefinition, Resampling, metric_named
from suite.stats.sample import Clusters, sample_of_counts


def corpus_metric(name: str) -> MetricDefinition | None:
    """The corpus metric with this name; None if it cannot be recomputed from the texts of answers."""
    metric = metric_named(name)
    return metric if metric is not None and metric.over == "corpus" else None


def scores_of(metric: MetricDefinition, pairs: Sequence[tuple[str, str]], tokenizer: str) -> list[float]:
    """The scores of a corpus metric over (right answer as stored, answer parsed from the output).

    Two scores if the stored right answers may be lists of several references; otherwise one.
    """
    return [metric.corpus_score(reading, tokenizer) for reading in stored_pairs(pairs)]


def errors_of(
    resampling: Resampling, pairs: Sequence[tuple[str, str]], names: Sequence[str], tokenizer: str
) -> list[float]:
    """Bootstrap standard errors: first with equal documents as one cluster, then without clusters.

    Empty for fewer than two documents or clusters.
    """
    same = Clusters.of(names)
    if len(pairs) < 2 or (same is not None and same.count < 2):
        return []
    counts = [resampling.counts(reading, tokenizer) for reading in stored_pairs(pairs)]
    return [sample_of_counts(sums, resampling, clusters).stderr for sums in counts for clusters in (same, None)]
