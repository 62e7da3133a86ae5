"""Metrics of a whole corpus, computed again from stored answers."""

from __future__ import annotations

from collections.abc import Sequence

from suite.core.corpus import METRICS as METRICS
from suite.core.corpus import corpus_score, stored_pairs
from suite.stats.sample import Same, bleu_counts, sample_of_bleu


def scores_of(metric: str, pairs: Sequence[tuple[str, str]], tokenizer: str) -> list[float]:
    """The score of a metric of `METRICS` over (right answer as stored, what was read from the output).

    A second one where the right answers may be lists of several.
    """
    return [corpus_score(metric, each, tokenizer) for each in stored_pairs(pairs)]


def errors_of_bleu(pairs: Sequence[tuple[str, str]], names: Sequence[str], tokenizer: str) -> list[float]:
    """The standard error of BLEU by bootstrap, with and without equal names as one document; of fewer than two none."""
    same = Same.of(names)
    if len(pairs) < 2 or (same is not None and same.count < 2):
        return []
    counts = [bleu_counts(each, tokenizer) for each in stored_pairs(pairs)]
    return [sample_of_bleu(each, clusters).stderr for each in counts for clusters in (same, None)]
