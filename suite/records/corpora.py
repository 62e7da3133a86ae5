"""Metrics of a whole corpus, computed again from stored answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from suite.stats.sample import bleu, bleu_counts

Pairs = Sequence[tuple[str, str]]
"""(right answer as stored, what was read from the output)."""


def scores_of(metric: str, pairs: Pairs) -> list[float]:
    """The score of a metric of `METRICS`; a second one where the right answers may be lists of several."""
    found = [METRICS[metric]([([right], said) for right, said in pairs])]
    several = [_listed(right) for right, _ in pairs]
    if any(several):
        found.append(
            METRICS[metric]([(many or [right], said) for many, (right, said) in zip(several, pairs, strict=True)])
        )
    return found


def _listed(right: str) -> list[str]:
    """Several right answers are stored as a JSON list."""
    if not right.startswith("["):
        return []
    try:
        many = json.loads(right)
    except ValueError:
        return []
    return many if isinstance(many, list) and all(isinstance(each, str) for each in many) else []


def _bleu(answers: Sequence[tuple[Sequence[str], str]]) -> float:
    if all(len(right) == 1 for right, _ in answers):
        return float(bleu(bleu_counts([(right[0], said) for right, said in answers]).sum(axis=0)))
    return _of_corpus("BLEU", answers, force=True)  # only silences the advice to detokenise


def _of_corpus(name: str, answers: Sequence[tuple[Sequence[str], str]], **options: Any) -> float:
    from sacrebleu import metrics

    most = max(len(right) for right, _ in answers)
    references: list[list[Any]] = [
        [right[at] if at < len(right) else None for right, _ in answers] for at in range(most)
    ]
    return float(getattr(metrics, name)(**options).corpus_score([said for _, said in answers], references).score)


METRICS: Final[Mapping[str, Callable[[Sequence[tuple[Sequence[str], str]]], float]]] = {
    "bleu": _bleu,
    "chrf": lambda answers: _of_corpus("CHRF", answers),
    "chrf++": lambda answers: _of_corpus("CHRF", answers, word_order=2),
    "ter": lambda answers: _of_corpus("TER", answers),
}
