"""Standard errors of a score over documents: in closed form for means, by a seeded bootstrap for corpus scores.

Equal documents form one cluster: together they reduce the uncertainty only as much as one of them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from suite.core.corpus import Pair
from suite.core.metrics import Resampling
from suite.core.words import DEFAULT_BLEU
from suite.stats.sample import Clusters, equivalent, sample_of_values

RESAMPLES: Final = 500


def of_mean(values: Sequence[float], same: Clusters | None = None) -> float | None:
    """The standard error of the mean; None for fewer than two distinct documents."""
    if len(values) < 2 or (same is not None and same.count < 2):
        return None
    if same is not None:
        return sample_of_values(np.asarray(values, dtype=float), same).stderr
    return float(np.std(np.asarray(values, dtype=float), ddof=1) / np.sqrt(len(values)))


def of_corpus(
    resampling: Resampling, pairs: Sequence[Pair], seed: int = 0, tokenizer: str = DEFAULT_BLEU,
    same: Clusters | None = None,
) -> float | None:  # fmt: skip
    """Bootstrap standard error of a corpus score over (references, prediction) pairs; None for fewer than two clusters.

    The score depends on the pairs only through sums of counts, so a resample is a sum of rows.
    """
    n = len(pairs) if same is None else same.count
    if n < 2:
        return None
    counts = resampling.counts(pairs, tokenizer)
    drawn = np.random.default_rng(seed).multinomial(n, [1 / n] * n, size=RESAMPLES)
    return float(np.std(resampling.score(drawn @ (counts if same is None else same.sums(counts))), ddof=1))


def inflated(stderr: float | None, n: int, same: Clusters | None) -> float | None:
    """Correct a standard error that treated all documents as distinct; None for fewer than two clusters."""
    if stderr is None or same is None:
        return stderr
    return stderr * math.sqrt((n - 1) / (equivalent(same, n) - 1)) if same.count > 1 else None
