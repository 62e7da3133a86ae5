"""A score with each document's influence on it, so that scores over the same documents can be subtracted and resampled.

The influence of documents is scaled so that its sum of squares is the score's variance over documents. For means it is
in closed form: what resampling documents converges to. For a metric of a corpus there is one value for each of
RESAMPLES draws of documents, the same draws for all who answered the same documents. Either way a difference of
scores has the difference of their influences.

Equal documents are one cluster with one influence, drawn together. They count in the score, and leave it as uncertain
as one document does.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from suite.core.hashing import seed_of
from suite.core.metrics import Resampling

Numbers = NDArray[np.float64]
RESAMPLES: Final = 1000


@dataclass(frozen=True, eq=False)
class Sample:
    """One seed's score on a task."""

    value: float
    influence: Numbers
    documents: int
    """How many different ones."""

    @property
    def stderr(self) -> float:
        """The standard error over documents."""
        return float(np.sqrt(self.influence @ self.influence))


def sample_of_values(values: Numbers, same: Clusters | None = None) -> Sample:
    """The mean of documents' own scores."""
    n = len(values)
    mean = float(values.mean())
    if same is not None:
        return Sample(mean, same.sums(values - mean) / n * np.sqrt(same.count / max(same.count - 1, 1)), same.count)
    if n < 2:
        return Sample(mean, np.zeros(n), n)
    return Sample(mean, (values - mean) / np.sqrt(n * (n - 1)), n)


def sample_of_counts(counts: Numbers, resampling: Resampling, same: Clusters | None = None) -> Sample:
    """A score of a corpus from each document's counts (`Resampling.counts`)."""
    value = min(float(resampling.score(counts.sum(axis=0))), 100.0)  # exp(mean(log(1))) may be the next number above 1
    clusters = counts if same is None else same.sums(counts)
    drawn = resampling.score(_draws(len(clusters)) @ clusters)
    return Sample(value, (drawn - drawn.mean()) / np.sqrt(len(drawn) - 1), len(clusters))


@dataclass(frozen=True, eq=False)
class Clusters:
    """Which of some documents are equal, where any are."""

    cluster_ids: NDArray[np.int64]
    """For each document its cluster: 0, 1, …"""

    @classmethod
    def of(cls, names: Sequence[Hashable]) -> Clusters | None:
        """By the documents' names; None where all differ."""
        cluster_of: dict[Hashable, int] = {}
        clusters = [cluster_of.setdefault(name, len(cluster_of)) for name in names]
        return cls(np.array(clusters, dtype=np.int64)) if len(cluster_of) < len(clusters) else None

    def subset(self, indices: NDArray[np.int64]) -> Clusters | None:
        """Of some of the documents alone."""
        return Clusters.of(self.cluster_ids[indices].tolist())

    @cached_property
    def sizes(self) -> Numbers:
        """How many documents each cluster has."""
        return np.bincount(self.cluster_ids).astype(np.float64)

    @property
    def count(self) -> int:
        """How many clusters there are."""
        return len(self.sizes)

    def sums(self, values: Numbers) -> Numbers:
        """Each cluster's sum of what its documents have, in one column or several."""
        sums = np.zeros((self.count, *values.shape[1:]))
        np.add.at(sums, self.cluster_ids, values)
        return sums

    def means(self, values: Numbers) -> Numbers:
        """Each cluster's mean."""
        means: Numbers = self.sums(values) / self.sizes
        return means


def equivalent(same: Clusters | None, documents: int) -> float:
    """How many documents of equal weight the clusters come to (Kish)."""
    return float(documents) if same is None else float(same.sizes.sum() ** 2 / (same.sizes**2).sum())


@lru_cache(maxsize=4)
def _draws(n: int) -> Numbers:
    """How often each of n documents is drawn: RESAMPLES × n, from n alone, so that all who compare share the draws."""
    drawn = np.random.default_rng(seed_of("documents", n)).multinomial(n, np.full(n, 1 / n), size=RESAMPLES)
    return drawn.astype(np.float64)
