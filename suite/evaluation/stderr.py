"""Standard errors of a score over documents: in closed form for means, by a seeded bootstrap for BLEU."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from suite.stats.sample import bleu, bleu_counts
from suite.words import DEFAULT_BLEU

RESAMPLES: Final = 500


def of_mean(values: Sequence[float]) -> float | None:
    """The standard error of the mean; None for fewer than two values."""
    if len(values) < 2:
        return None
    return float(np.std(np.asarray(values, dtype=float), ddof=1) / np.sqrt(len(values)))


def of_bleu(
    pairs: Sequence[tuple[str | Sequence[str], str]], seed: int = 0, tokenizer: str = DEFAULT_BLEU
) -> float | None:
    """The bootstrap standard error of corpus BLEU over (references, prediction) pairs; None for fewer than two.

    BLEU depends on the pairs through sums of counts only, so a resample is a sum of rows.
    """
    if len(pairs) < 2:
        return None
    drawn = np.random.default_rng(seed).multinomial(len(pairs), [1 / len(pairs)] * len(pairs), size=RESAMPLES)
    return float(np.std(bleu(drawn @ bleu_counts(pairs, tokenizer)), ddof=1))
