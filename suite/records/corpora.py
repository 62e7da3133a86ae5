"""Metrics of a whole corpus, computed again from stored answers."""

from __future__ import annotations

from collections.abc import Sequence

from suite.corpus import METRICS as METRICS
from suite.corpus import corpus_score, stored_pairs


def scores_of(metric: str, pairs: Sequence[tuple[str, str]], tokenizer: str) -> list[float]:
    """The score of a metric of `METRICS` over (right answer as stored, what was read from the output).

    A second one where the right answers may be lists of several.
    """
    return [corpus_score(metric, each, tokenizer) for each in stored_pairs(pairs)]
