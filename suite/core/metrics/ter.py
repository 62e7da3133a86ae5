"""Translation edit rate, by sacrebleu."""

from __future__ import annotations

import math
from collections.abc import Sequence

from suite.core.corpus import Pair, streams
from suite.core.metrics import MetricDefinition, register
from suite.core.words import DEFAULT_BLEU, bleu_tokenizer, bleu_words, composed


def ter_score(pairs: Sequence[Pair], tokenizer: str) -> float:
    """Edits per hundred words over all answers together."""
    from sacrebleu.metrics import TER

    answers = [composed(answer) for _, answer in pairs]
    references = [tuple(map(composed, texts)) for texts, _ in pairs]
    if tokenizer != DEFAULT_BLEU:
        answers = [" ".join(bleu_words(answer, tokenizer)) for answer in answers]
        references = [tuple(" ".join(bleu_words(text, tokenizer)) for text in texts) for texts in references]
    return float(TER().corpus_score(answers, streams(references)).score)


register(
    MetricDefinition(
        "ter", over="corpus", range=(0.0, math.inf), higher_is_better=False,
        tokenizer=bleu_tokenizer, score=ter_score,
    )  # there may be more edits than words
)  # fmt: skip
