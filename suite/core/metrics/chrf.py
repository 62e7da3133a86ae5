"""chrF and chrF++, by sacrebleu."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from suite.core.corpus import Pair, streams
from suite.core.metrics import MetricDefinition, register
from suite.core.words import composed


def chrf_score(pairs: Sequence[Pair], tokenizer: str, word_order: int) -> float:
    """The score of all answers, 0 to 100, over n-grams of characters, and of words up to `word_order`."""
    from sacrebleu.metrics import CHRF

    answers = [composed(answer) for _, answer in pairs]
    references = [tuple(map(composed, texts)) for texts, _ in pairs]
    return float(CHRF(word_order=word_order).corpus_score(answers, streams(references)).score)


register(
    *(
        MetricDefinition(
            name, over="corpus",
            score=partial(chrf_score, word_order=order),
        )
        for name, order in (("chrf", 0), ("chrf++", 2))
    )
)  # fmt: skip
