"""What a step will roughly cost, from the sizes of model and data, at the measured rate where there is one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from suite.plan.steps import Estimate

WORDS_TO_TOKENS = 1.3
FLOPS_PER_SECOND = 4e10  # two laptop cores in float32; measured rates take its place as soon as there are any
OVERHEAD_SECONDS = 0.3


def words(docs: Sequence[Mapping[str, Any]]) -> float:
    """Mean number of words in a document, over the first few hundred."""
    sample = docs[:200]
    if not sample:
        return 64.0
    return sum(len(_text(doc).split()) for doc in sample) / len(sample)


def training(
    steps: int, batch_size: int, max_length: int, mean_words: float, parameters: int, rate: float | None
) -> Estimate:
    """A train step: three passes' worth of arithmetic a token, and AdamW's state."""
    length = min(max_length, int(mean_words * WORDS_TO_TOKENS) + 16)
    tokens = steps * batch_size * length
    seconds = tokens / rate if rate else tokens * 6 * parameters / FLOPS_PER_SECOND
    return Estimate(tokens, seconds + OVERHEAD_SECONDS, parameters * 16 + batch_size * length * 4096)


def answering(
    documents: int, shots: int, max_length: int, mean_words: float, parameters: int, rate: float | None
) -> Estimate:
    """An evaluate step: one pass over the prompts, and the answers."""
    length = min(max_length, int(mean_words * WORDS_TO_TOKENS * (shots + 1)) + 32)
    tokens = documents * length
    seconds = tokens / rate if rate else tokens * 2 * parameters / FLOPS_PER_SECOND
    return Estimate(tokens, seconds + OVERHEAD_SECONDS, parameters * 4 + 16384 * 4096)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return " ".join(_text(item) for item in value.values())
    if isinstance(value, (list, tuple)):
        return _text(value[0]) if value else ""
    return str(value)
