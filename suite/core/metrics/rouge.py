"""ROUGE-1, ROUGE-2 and ROUGE-L: F score of the n-grams, or of the longest common subsequence, of two texts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial

from suite.core.metrics import MetricDefinition, MetricSettings, register
from suite.core.words import rouge_tokenizer, rouge_words


def rouge(reference: str, answer: str, settings: MetricSettings, *, order: int | None) -> float:
    """F score over n-grams of an order, or (None) over the longest common subsequence.

    Equal texts score 1, even if they are too short for an n-gram.
    """
    tokenizer = rouge_tokenizer(settings.language)
    theirs, ours = rouge_words(reference, tokenizer), rouge_words(answer, tokenizer)
    if theirs == ours and theirs:
        return 1.0
    if order is None:
        return _f(_common_length(theirs, ours), len(theirs), len(ours))
    our_ngrams, their_ngrams = _ngrams(ours, order), _ngrams(theirs, order)
    return _f((our_ngrams & their_ngrams).total(), their_ngrams.total(), our_ngrams.total())


def _ngrams(tokens: Sequence[str], order: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(tokens[start : start + order]) for start in range(len(tokens) - order + 1))


def _common_length(theirs: Sequence[str], ours: Sequence[str]) -> int:
    """Length of the longest common subsequence."""
    row = [0] * (len(ours) + 1)
    for their_word in theirs:
        diagonal = 0
        for column, our_word in enumerate(ours, 1):
            best = diagonal + 1 if their_word == our_word else max(row[column], row[column - 1])
            diagonal, row[column] = row[column], best
    return row[-1]


def _f(common: int, in_reference: int, in_answer: int) -> float:
    precision, recall = common / max(in_answer, 1), common / max(in_reference, 1)
    return 2 * precision * recall / (precision + recall) if precision + recall > 0 else 0.0


register(
    *(
        MetricDefinition(name, tokenizer=rouge_tokenizer, document_score=partial(rouge, order=order))
        for name, order in (("rouge1", 1), ("rouge2", 2), ("rougeL", None))
    )
)
