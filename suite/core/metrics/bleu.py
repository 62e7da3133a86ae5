"""Corpus BLEU, by sacrebleu."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from suite.core.corpus import Pair, streams
from suite.core.metrics import MetricDefinition, Resampling, register
from suite.core.words import DEFAULT_BLEU, bleu_tokenizer, composed

if TYPE_CHECKING:
    from suite.core.metrics._definition import Numbers

LONGEST_NGRAM: Final = 4


def bleu_score(pairs: Sequence[Pair], tokenizer: str = DEFAULT_BLEU) -> float:
    """The score of all answers, 0 to 100."""
    answers = [composed(answer) for _, answer in pairs]
    references = [tuple(map(composed, texts)) for texts, _ in pairs]
    return float(_metric(tokenizer).corpus_score(answers, streams(references)).score)


def bleu_counts(pairs: Sequence[tuple[str | Sequence[str], str]], tokenizer: str = DEFAULT_BLEU) -> Numbers:
    """Counts for each (reference or several references, prediction): matching n-grams and n-grams (n = 1 to 4), and
    both lengths, in words of one of sacrebleu's tokenizers."""
    import numpy as np

    keys = [((texts,) if isinstance(texts, str) else tuple(texts), answer) for texts, answer in pairs]
    statistics = np.array([_segment(texts, answer, tokenizer) for texts, answer in keys], dtype=np.float64)
    rows: Numbers = statistics.reshape(len(keys), 10)[:, [2, 3, 4, 5, 6, 7, 8, 9, 0, 1]]
    return rows


@lru_cache(maxsize=1 << 16)
def _segment(references: tuple[str, ...], answer: str, tokenizer: str) -> tuple[int, ...]:
    """What sacrebleu sums for a corpus: both lengths, matching n-grams and n-grams of one answer.

    Seeds and rows give many equal answers to the same documents, so a site asks for each several times.
    """
    metric = _metric(tokenizer)
    prediction = metric._preprocess_segment(composed(answer))
    return tuple(metric._compute_segment_statistics(prediction, _reference(references, tokenizer)))


@lru_cache(maxsize=1 << 13)
def _reference(references: tuple[str, ...], tokenizer: str) -> dict[str, Any]:
    metric = _metric(tokenizer)
    found: dict[str, Any] = metric._extract_reference_info(
        [metric._preprocess_segment(composed(text)) for text in references]
    )
    return found


def bleu(counts: Numbers) -> Numbers:
    """Corpus BLEU (0 to 100) of summed counts, computed as in sacrebleu; the last axis has the ten counts."""
    import numpy as np

    correct, total = counts[..., :4], counts[..., 4:8]
    system, reference = counts[..., 8], counts[..., 9]
    unseen = (correct == 0) & (total > 0)
    halves = np.cumsum(unseen, axis=-1)  # each order without a match counts half of the previous one
    with np.errstate(divide="ignore", invalid="ignore"):
        precision = np.where(unseen, 0.5**halves, correct) / total
        mean = np.exp(np.where(total > 0, np.log(precision), -np.inf).mean(axis=-1))
        brevity = np.where(system < reference, np.exp(1 - reference / system), 1.0)
    scores: Numbers = np.where(correct.any(axis=-1), 100 * brevity * mean, 0.0)
    return scores


@lru_cache(maxsize=4)
def _metric(tokenizer: str) -> Any:
    from sacrebleu.metrics import BLEU

    return BLEU(tokenize=tokenizer, force=True)  # `force` only silences the advice to detokenise


RESAMPLING: Final = Resampling(bleu_counts, bleu)

register(
    MetricDefinition(
        "bleu", over="corpus", tokenizer=bleu_tokenizer,
        score=bleu_score, resampling=RESAMPLING, shortest_full_marks=LONGEST_NGRAM,
    )
)  # fmt: skip
