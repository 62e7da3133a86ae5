"""Metrics of all answers together, by sacrebleu; a document may have as many references as it likes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from suite.core.words import DEFAULT_BLEU, bleu_words, composed

Pair = tuple[Sequence[str], str]
"""The references of a document, and its answer."""

METRICS: Final[Mapping[str, tuple[str, Mapping[str, Any]]]] = {
    "bleu": ("BLEU", {}),
    "chrf": ("CHRF", {}),
    "chrf++": ("CHRF", {"word_order": 2}),
    "ter": ("TER", {}),
}
"""Name -> sacrebleu's metric and its options."""


def corpus_score(name: str, pairs: Sequence[Pair], tokenizer: str = DEFAULT_BLEU) -> float:
    """The score of all answers, 0 to 100; a tokenizer of sacrebleu's splits texts into words for BLEU and TER."""
    from sacrebleu import metrics

    metric, options = METRICS[name]
    answers = [composed(answer) for _, answer in pairs]
    references = [tuple(map(composed, each)) for each, _ in pairs]
    if metric == "BLEU":
        options = {**options, "tokenize": tokenizer, "force": True}  # `force` only silences the advice to detokenise
    elif metric == "TER" and tokenizer != DEFAULT_BLEU:
        answers = [" ".join(bleu_words(answer, tokenizer)) for answer in answers]
        references = [tuple(" ".join(bleu_words(one, tokenizer)) for one in each) for each in references]
    return float(getattr(metrics, metric)(**options).corpus_score(answers, streams(references)).score)


def streams(references: Sequence[Sequence[str]]) -> list[list[str | None]]:
    """References as sacrebleu wants them: the first of all documents, the second of all …; None where there is none."""
    most = max((len(each) for each in references), default=1)
    return [[each[place] if place < len(each) else None for each in references] for place in range(most)]


def stored_pairs(pairs: Sequence[tuple[str, str]]) -> list[list[Pair]]:
    """(right answer as stored, answer) with references: one each; and where some may be lists, these taken apart too.

    A store keeps several references as a JSON list, and a single one may look like that.
    """
    several = [_listed(right) for right, _ in pairs]
    found: list[list[Pair]] = [[((right,), said) for right, said in pairs]]
    if any(several):
        found.append([(many or (right,), said) for many, (right, said) in zip(several, pairs, strict=True)])
    return found


def _listed(right: str) -> tuple[str, ...]:
    if not right.startswith("["):
        return ()
    try:
        many = json.loads(right)
    except ValueError:
        return ()
    return tuple(many) if isinstance(many, list) and all(isinstance(each, str) for each in many) else ()
