"""Answers for rewards: sampled or greedy, as tokens, each with its score by the task's own metric."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from suite.core.errors import StepFailed
from suite.evaluation.evaluate import evaluate_with
from suite.evaluation.lm import StackLM
from suite.inference.decode import Sampler, greedy, temperature_sampler
from suite.inference.state import Ids
from suite.models.adapted import AdaptedModel
from suite.tasks.load import LoadedTask


@dataclass(frozen=True)
class Rollout:
    """A model's answer to one document."""

    prompt: Ids
    answer: Ids
    """The drawn tokens, including the end token if there was one."""
    value: float
    """The answer's primary metric, 0 to 100."""


def roll_out(
    adapted: AdaptedModel,
    task: LoadedTask,
    *,
    batch_tokens: int,
    max_length: int | None = None,
    max_new_tokens: int | None = None,
    temperature: float | None = None,
    seed: int = 0,
    beams: int = 1,
    length_penalty: float | None = None,
) -> list[Rollout]:
    """One answer to each document of a task, in order: greedy, by beams, or sampled at a temperature with `seed`.

    Raises StepFailed if the task's answers are not written by the model or not scored one by one.
    """
    sampler: Sampler = greedy
    if temperature is not None:
        generator = torch.Generator(device=adapted.backbone.device).manual_seed(seed)
        sampler = temperature_sampler(temperature, generator)
    lm = StackLM(
        adapted, batch_tokens=batch_tokens, max_length=max_length, max_new_tokens=max_new_tokens, sampler=sampler,
        beams=beams, length_penalty=length_penalty,
    )  # fmt: skip
    answers = evaluate_with(lm, task).answers
    values = [answer.value for answer in answers if answer.value is not None and math.isfinite(answer.value)]
    if not len(lm.completions) == len(answers) == len(values):
        raise StepFailed(f"task '{task.file.name}' gives no reward: its answers must be written, and scored one by one")
    return [
        Rollout(prompt, (*completion.tokens, *([] if completion.end is None else [completion.end])), value)
        for (prompt, completion), value in zip(lm.completions, values, strict=True)
    ]
