"""Standard errors of a score over documents: in closed form for means, by a seeded bootstrap for BLEU."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

RESAMPLES: Final = 500


def of_mean(values: Sequence[float]) -> float | None:
    """The standard error of the mean; None for fewer than two values."""
    if len(values) < 2:
        return None
    return float(np.std(np.asarray(values, dtype=float), ddof=1) / np.sqrt(len(values)))


def of_bleu(pairs: Sequence[tuple[str, str]], seed: int = 0) -> float | None:
    """The bootstrap standard error of corpus BLEU over (reference, prediction) pairs; None for fewer than two.

    BLEU depends on the pairs through sums of counts only, so a resample is a sum of rows.
    """
    if len(pairs) < 2:
        return None
    counts = np.array([_counts(reference, prediction) for reference, prediction in pairs])
    drawn = np.random.default_rng(seed).multinomial(len(pairs), [1 / len(pairs)] * len(pairs), size=RESAMPLES)
    return float(np.std([_bleu(row) for row in drawn @ counts], ddof=1))


def _counts(reference: str, prediction: str) -> list[int]:
    """Matching n-grams, n-grams (n = 1 to 4), and both lengths."""
    found: Any = _metric().corpus_score([prediction], [[reference]])
    return [*found.counts, *found.totals, found.sys_len, found.ref_len]


def _bleu(row: Any) -> float:
    found = _metric().compute_bleu(
        correct=row[:4].tolist(), total=row[4:8].tolist(), sys_len=int(row[8]), ref_len=int(row[9]),
        smooth_method="exp", smooth_value=None,
    )  # fmt: skip
    return float(found.score)


def _metric() -> Any:
    from sacrebleu.metrics import BLEU

    return BLEU()
