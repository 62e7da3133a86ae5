"""Estimates the cost of a step from the sizes of model and data, at the measured rate if there is one."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from pydantic import ValidationError

from suite import methods
from suite.models.source import LocatedModel
from suite.planning.memory import ModelMemory
from suite.planning.probes import answers
from suite.planning.steps import StepEstimate, Train
from suite.training.requirements import CandidateSearch, GradientSteps, Requirements

WORDS_TO_TOKENS = 1.3
FLOPS_PER_SECOND = 8e10  # what a core gives in float32 (docs/performance.md), until there are measured rates
PRODUCTS_PER_SECOND = 1.2e11
"""Rate for products of large matrices."""
OVERHEAD_SECONDS = 0.3
ROUND_SECONDS = 0.03
"""Fixed seconds of a round of answers, whatever their number."""


@dataclass(frozen=True)
class Speed:
    """The speed of a model, from measurements or from its size."""

    parameters: int
    rates: Mapping[str, float] = field(default_factory=dict)
    """Kind of step (`sort_of`) -> tokens per second."""
    sizes: ModelMemory | None = None
    """Of the model, where they are known."""

    @classmethod
    def of(cls, model: LocatedModel, rates: Mapping[tuple[str, str], float]) -> Speed:
        """That of a model that was found; `rates` are of all models, by identity and kind of step."""
        own = {sort: rate for (name, sort), rate in rates.items() if name == model.identity}
        return cls(model.parameters, own, ModelMemory.of(model))

    @property
    def memory(self) -> ModelMemory:
        """What a step's memory follows from."""
        return self.sizes or ModelMemory.of_parameters(self.parameters)

    def measured(self, sort: str, tokens: float) -> float | None:
        """Seconds at the rate of earlier steps of this kind, with all their overhead; None without a rate."""
        rate = self.rates.get(sort)
        return tokens / rate if rate else None

    def answering(self, tokens: float, rounds: int = 0) -> float:
        """Seconds for tokens that are read or written once, in `rounds` rounds."""
        measured = self.measured("evaluate", tokens)
        return (
            tokens * 2 * self.parameters / FLOPS_PER_SECOND if measured is None else measured
        ) + rounds * ROUND_SECONDS

    def learning(self, tokens: float) -> float:
        """Seconds for training on this number of tokens: three times the arithmetic of one forward pass."""
        measured = self.measured("train", tokens)
        return tokens * 6 * self.parameters / FLOPS_PER_SECOND if measured is None else measured

    def products(self, count: float) -> float:
        """Seconds for `count` products of every matrix with one of its factors; a decomposition costs about thirty."""
        width = 1.6 * math.pow(self.parameters, 1 / 3)  # 200 at 2 million parameters, about 3,000 at 8 billion
        return count * width * 2 * self.parameters / PRODUCTS_PER_SECOND


def sort_of(kind: str, key: Mapping[str, Any]) -> str:
    """The kind of a step for its rate: evaluation, training on right answers, training by reward, or mixture search."""
    if "source" in key:  # code from outside is not run for an estimate
        return f"train {key['method']['name']}"
    needs = _requirements(json.dumps(key.get("method") or {}))
    if needs is None:
        return kind
    if isinstance(needs.cost, CandidateSearch):
        return "adapt"
    return "reinforce" if needs.reward else kind


@lru_cache(maxsize=1024)
def _requirements(stored: str) -> Requirements | None:
    """The requirements of a method with the settings of a step's key; None if the settings are another version's."""
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
    """Mean number of words in a document, over the first 200."""
    sample = docs[:200]
    if not sample:
        return 64.0
    return sum(len(_text(doc).split()) for doc in sample) / len(sample)


def of_training(work: Train, needs: Requirements, mean_words: float, speed: Speed) -> StepEstimate:
    """The estimate of a train step: gradient steps, a search, or combining its parents."""
    track, cost = work.track, needs.cost
    budget, length, rule = track.budget, track.budget.max_length, track.selection
    if isinstance(cost, GradientSteps):
        batch = min(budget.batch_size, cost.examples or budget.batch_size)
        parts = -(-batch // (budget.micro_batch or batch))
        whole = training(
            cost.steps, batch, length, mean_words * (1 + cost.shots), speed, rewarded=needs.reward,
            select_every=cost.select_every or rule.every, selection=rule.documents * len(work.targets),
            composed=cost.steps * parts if cost.decomposes else 0, probed=answers(work, cost.steps),
            in_memory=min(batch, budget.micro_batch or batch),
        )  # fmt: skip
        return replace(whole, at_most=rule.stop_at_score is not None or bool(cost.patience or rule.patience))
    candidates, shots = (cost.candidates, cost.shots) if cost else (0, 0)
    return adapting(len(work.parents), candidates, shots, length, mean_words, speed)


def training(
    steps: int, batch_size: int, max_length: int, mean_words: float, speed: Speed, *,
    rewarded: bool, select_every: int | None, selection: int, composed: int = 0, probed: int = 0,
    in_memory: int | None = None,
) -> StepEstimate:  # fmt: skip
    """The estimate of a train step: its batches (with reward, they are sampled first) and its selections.

    `selection` is the number of selection rows. If singular values are trained, matrices are decomposed first and then
    composed `composed` times. Probes answer `probed` documents. `in_memory` texts of a batch are processed at once
    (default: all).
    """
    length = _length(mean_words, max_length, more=16)
    learned = steps * batch_size * length
    written = learned if rewarded else 0
    seconds = speed.measured("reinforce" if rewarded else "train", learned + written)
    if seconds is None:
        selections = math.ceil(steps / select_every) if select_every else min(steps, 1)
        rounds = selections + (steps if rewarded else 0)
        seconds = speed.learning(learned) + speed.answering(written + selections * selection * length, rounds)
        seconds += speed.answering(2 * probed * length)  # with an exemplar before each
        seconds += speed.products(30 + 3 * composed) if composed else 0.0  # to answer, to learn, and its gradient
    memory = speed.memory.training(in_memory or batch_size, length)
    return StepEstimate(learned + written, seconds + OVERHEAD_SECONDS, memory)


def adapting(
    experts: int, candidates: int, shots: int, max_length: int, mean_words: float, speed: Speed
) -> StepEstimate:
    """The estimate of a mixture: the weights of all experts, then for each candidate their sum and its answers."""
    tokens = candidates * shots * 2 * _length(mean_words, max_length, more=16)
    seconds = speed.measured("adapt", tokens) if tokens else None
    if seconds is None:
        sums = candidates * experts * 2 * speed.parameters / FLOPS_PER_SECOND
        seconds = speed.products(experts) + sums + speed.answering(tokens, candidates)
    return StepEstimate(tokens, seconds + OVERHEAD_SECONDS, speed.memory.mixing(experts))


def answering(documents: int, shots: int, max_length: int, mean_words: float, speed: Speed) -> StepEstimate:
    """The estimate of an evaluate step: one pass over the prompts, and the answers."""
    tokens = documents * _length(mean_words * (shots + 1), max_length, more=32)
    return StepEstimate(tokens, speed.answering(tokens) + OVERHEAD_SECONDS, speed.memory.answering())


def _length(mean_words: float, max_length: int, *, more: int) -> int:
    """Tokens of a text with this number of words, plus `more` for templates."""
    return min(max_length, int(mean_words * WORDS_TO_TOKENS) + more)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return " ".join(_text(item) for item in value.values())
    if isinstance(value, (list, tuple)):
        return _text(value[0]) if value else ""
    return str(value)
