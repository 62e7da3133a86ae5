"""Estimates the cost of a step from the sizes of model and data, at the measured rate if there is one."""

from __future__ import annotations

import math
from dataclasses import replace

from suite.planning.probes import answers
from suite.planning.speed import AUTOCAST, Speed
from suite.planning.steps import StepEstimate, Train
from suite.training.config import Optimisation, precision_of
from suite.training.requirements import GradientSteps, Requirements

WORDS_TO_TOKENS = 1.3
OVERHEAD_SECONDS = 0.3


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
            in_memory=min(batch, budget.micro_batch or batch), sort=_sort(work, needs),
            precision=_precision(work, speed),
        )  # fmt: skip
        return replace(whole, at_most=rule.stop_at_score is not None or bool(cost.patience or rule.patience))
    candidates, shots = (cost.candidates, cost.shots) if cost else (0, 0)
    return adapting(len(work.parents), candidates, shots, length, mean_words, speed)


def _sort(work: Train, needs: Requirements) -> str:
    """The kind of a train step for its rate, as `suite.planning.speed.sort_of` finds it in the step's key."""
    autocast = AUTOCAST if work.track.budget.precision == "bf16" else ""
    if work.methods.source(work.method):
        return f"train {work.method}{autocast}"
    return f"{'reinforce' if needs.reward else 'train'} {work.methods.get(work.method).FAMILY}{autocast}"


def _precision(work: Train, speed: Speed) -> str:
    """In which a train step computes: full tuning in that of its weights, others in the base's, unless by autocast."""
    if work.track.budget.precision == "bf16":
        return "bf16"
    full = work.methods.get(work.method).FAMILY in ("full", "two-stage")
    if full and isinstance(work.config, Optimisation):
        return precision_of(work.config)
    return speed.precision


def training(
    steps: int, batch_size: int, max_length: int, mean_words: float, speed: Speed, *,
    rewarded: bool, select_every: int | None, selection: int, composed: int = 0, probed: int = 0,
    in_memory: int | None = None, sort: str | None = None, precision: str | None = None,
) -> StepEstimate:  # fmt: skip
    """The estimate of a train step: its batches (with reward, they are sampled first) and its selections.

    `selection` is the number of selection rows. If singular values are trained, matrices are decomposed first and then
    composed `composed` times. Probes answer `probed` documents. `in_memory` texts of a batch are processed at once
    (default: all). `sort` is the kind of the step for its rate, `precision` that of computing (default: the base's).
    """
    length = _length(mean_words, max_length, more=16)
    learned = steps * batch_size * length
    written = learned if rewarded else 0
    seconds = speed.measured(sort or ("reinforce" if rewarded else "train"), learned + written)
    if seconds is None:
        selections = math.ceil(steps / select_every) if select_every else min(steps, 1)
        rounds = selections + (steps if rewarded else 0)
        seconds = speed.learning(learned, precision) + speed.answering(
            written + selections * selection * length, rounds
        )
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
        seconds = speed.products(experts) + speed.sums(candidates * experts) + speed.answering(tokens, candidates)
    return StepEstimate(tokens, seconds + OVERHEAD_SECONDS, speed.memory.mixing(experts))


def answering(documents: int, shots: int, max_length: int, mean_words: float, speed: Speed) -> StepEstimate:
    """The estimate of an evaluate step: one pass over the prompts, and the answers."""
    tokens = documents * _length(mean_words * (shots + 1), max_length, more=32)
    return StepEstimate(tokens, speed.answering(tokens) + OVERHEAD_SECONDS, speed.memory.answering())


def _length(mean_words: float, max_length: int, *, more: int) -> int:
    """Tokens of a text with this number of words, plus `more` for templates."""
    return min(max_length, int(mean_words * WORDS_TO_TOKENS) + more)
