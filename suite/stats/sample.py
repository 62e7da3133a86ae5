"""A score with each document's influence on it, so that scores over the same documents can be subtracted.

Influence is scaled so that its sum of squares is the score's variance over documents. For means it has a closed form,
the limit of resampling documents. A corpus metric has one value for each of RESAMPLES draws of documents; all
evaluations of the same documents share the draws. In both cases, the influence of a difference of scores is the
difference of their influences.

Equal documents are one cluster with one influence and are drawn together. All of them count in the score, but they add
only as much certainty as one document.
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
    """Number of distinct documents."""

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
    """Clusters of equal documents, if any are equal."""

    cluster_ids: NDArray[np.int64]
    """For each document, its cluster: 0, 1, …"""

    @classmethod
    def of(cls, names: Sequence[Hashable]) -> Clusters | None:
        """The clusters of documents with equal names; None if all differ."""
        cluster_of: dict[Hashable, int] = {}
        clusters = [cluster_of.setdefault(name, len(cluster_of)) for name in names]
        return cls(np.array(clusters, dtype=np.int64)) if len(cluster_of) < len(clusters) else None

    def subset(self, indices: NDArray[np.int64]) -> Clusters | None:
        """The clusters of some of the documents; None if these all differ."""
        return Clusters.of(self.cluster_ids[indices].tolist())

    @cached_property
    def sizes(self) -> Numbers:
        """The number of documents in each cluster."""
        return np.bincount(self.cluster_ids).astype(np.float64)

    @property
    def count(self) -> int:
        """The number of clusters."""
        return len(self.sizes)

    def sums(self, values: Numbers) -> Numbers:
        """The sum over each cluster of its documents' values, which have one column or several."""
        sums = np.zeros((self.count, *values.shape[1:]))
        np.add.at(sums, self.cluster_ids, values)
        return sums

    def means(self, values: Numbers) -> Numbers:
        """The mean of each cluster."""
        means: Numbers = self.sums(values) / self.sizes
        return means


def equivalent(same: Clusters | None, documents: int) -> float:
    """The effective number of documents with equal weight in these clusters (Kish)."""
    return float(documents) if same is None else float(same.sizes.sum() ** 2 / (same.sizes**2).sum())


@lru_cache(maxsize=4)
def _draws(n: int) -> Numbers:
    """How often each of n documents is drawn, shape (RESAMPLES, n).

    Depends on n alone, so that all evaluations share the draws.
    """
    drawn = np.random.default_rng(seed_of("documents", n)).multinomial(n, np.full(n, 1 / n), size=RESAMPLES)
    return drawn.astype(np.float64)
