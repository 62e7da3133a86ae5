"""What a step will roughly cost, from the sizes of model and data, at the measured rate where there is one."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from pydantic import ValidationError

from suite import methods
from suite.planning.steps import StepEstimate
from suite.training.requirements import CandidateSearch, Requirements

WORDS_TO_TOKENS = 1.3
FLOPS_PER_SECOND = 4e10  # two laptop cores in float32; measured rates take its place as soon as there are any
PRODUCTS_PER_SECOND = 1.2e11
"""The same for a product of large matrices."""
OVERHEAD_SECONDS = 0.3
ROUND_SECONDS = 0.03
"""What a round of answers takes besides its arithmetic, however few there are."""


@dataclass(frozen=True)
class Speed:
    """How fast a model is, as measured, or else by its size."""

    parameters: int
    rates: Mapping[str, float] = field(default_factory=dict)
    """Sort of step (`sort_of`) -> tokens per second."""

    def measured(self, sort: str, tokens: float) -> float | None:
        """Seconds at the rate of earlier steps of this sort, all that they do besides included; None without any."""
        rate = self.rates.get(sort)
        return tokens / rate if rate else None

    def answering(self, tokens: float, rounds: int = 0) -> float:
        """Seconds for tokens that are read or written once, in a number of rounds."""
        measured = self.measured("evaluate", tokens)
        return (
            tokens * 2 * self.parameters / FLOPS_PER_SECOND if measured is None else measured
        ) + rounds * ROUND_SECONDS

    def learning(self, tokens: float) -> float:
        """Seconds for tokens that are learned from: three passes' worth of arithmetic."""
        measured = self.measured("train", tokens)
        return tokens * 6 * self.parameters / FLOPS_PER_SECOND if measured is None else measured

    def products(self, count: float) -> float:
        """Seconds for a number of products of every matrix with one of its factors; a decomposition is some thirty."""
        width = 1.6 * math.pow(self.parameters, 1 / 3)  # 200 at 2 million parameters, some 3,000 at 8 billion
        return count * width * 2 * self.parameters / PRODUCTS_PER_SECOND


def sort_of(kind: str, key: Mapping[str, Any]) -> str:
    """Which steps have a common rate: evaluations, training on right answers, by reward, and searches of a mixture."""
    if "source" in key:  # from outside: its code is not run for an estimate
        return f"train {key['method']['name']}"
    needs = _requirements(json.dumps(key.get("method") or {}))
    if needs is None:
        return kind
    if isinstance(needs.cost, CandidateSearch):
        return "adapt"
    return "reinforce" if needs.reward else kind


@lru_cache(maxsize=1024)
def _requirements(stored: str) -> Requirements | None:
    """What a method needs with the settings of a step's key; None where another version had others."""
    settings = json.loads(stored)
    name = settings.pop("name", None)
    settings.pop("version", None)
    if name not in methods.names():
        return None
    method = methods.get(name)
    try:
        return method.requirements(method.Config.model_validate_json(json.dumps(settings)))
    except ValidationError:
        return None


def words(docs: Sequence[Mapping[str, Any]]) -> float:
    """Mean number of words in a document, over the first few hundred."""
    sample = docs[:200]
    if not sample:
        return 64.0
    return sum(len(_text(doc).split()) for doc in sample) / len(sample)


def training(
    steps: int, batch_size: int, max_length: int, mean_words: float, speed: Speed, *,
    rewarded: bool, select_every: int | None, selection: int, composed: int = 0, probed: int = 0,
) -> StepEstimate:  # fmt: skip
    """A train step: its batches (by reward they are written first), and the `selection` rows at each look at them.

    Where singular values are trained, matrices are decomposed first, and then `composed` so many times; `probed`
    documents are answered by probes.
    """
    length = _length(mean_words, max_length, more=16)
    learned = steps * batch_size * length
    written = learned if rewarded else 0
    seconds = speed.measured("reinforce" if rewarded else "train", learned + written)
    if seconds is None:
        selections = math.ceil(steps / select_every) if select_every else min(steps, 1)
        rounds = selections + (steps if rewarded else 0)
        seconds = speed.learning(learned) + speed.answering(written + selections * selection * length, rounds)
        seconds += speed.answering(2 * probed * length)  # an exemplar before each
        seconds += speed.products(30 + 3 * composed) if composed else 0.0  # to answer, to learn, and its gradient
    memory = speed.parameters * 16 + batch_size * length * 4096  # AdamW's state
    return StepEstimate(learned + written, seconds + OVERHEAD_SECONDS, memory)


def adapting(
    experts: int, candidates: int, shots: int, max_length: int, mean_words: float, speed: Speed
) -> StepEstimate:
    """A mixture: the weights of all experts, then for each candidate their sum, answers, and the right answers read."""
    tokens = candidates * shots * 2 * _length(mean_words, max_length, more=16)
    seconds = speed.measured("adapt", tokens) if tokens else None
    if seconds is None:
        sums = candidates * experts * 2 * speed.parameters / FLOPS_PER_SECOND
        seconds = speed.products(experts) + sums + speed.answering(tokens, candidates)
    return StepEstimate(tokens, seconds + OVERHEAD_SECONDS, speed.parameters * 4 * (experts + 2))


def answering(documents: int, shots: int, max_length: int, mean_words: float, speed: Speed) -> StepEstimate:
    """An evaluate step: one pass over the prompts, and the answers."""
    tokens = documents * _length(mean_words * (shots + 1), max_length, more=32)
    return StepEstimate(tokens, speed.answering(tokens) + OVERHEAD_SECONDS, speed.parameters * 4 + 16384 * 4096)


def _length(mean_words: float, max_length: int, *, more: int) -> int:
    """Tokens of a text with this number of words, and of what templates add."""
    return min(max_length, int(mean_words * WORDS_TO_TOKENS) + more)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return " ".join(_text(item) for item in value.values())
    if isinstance(value, (list, tuple)):
        return _text(value[0]) if value else ""
    return str(value)
