"""Evaluate several stacks that differ by a soft prompt or a prefix on one task, in the same batches."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from lm_eval.api.instance import Instance
from lm_eval.api.model import LM

from suite.core.errors import SuiteError
from suite.evaluation.evaluate import EvaluationResult, evaluate_with
from suite.evaluation.lm import StackLM, generate_together
from suite.inference.prefix_support import may_stand_together
from suite.models.adapted import AdaptedModel
from suite.tasks.load import LoadedTask, quiet


class RecordedLM(LM):  # type: ignore[misc]
    """An LM that returns answers given before."""

    def __init__(self, lm: StackLM, answers: Sequence[str]) -> None:
        super().__init__()
        self.truncated, self.tokens, self._answers = lm.truncated, lm.tokens, answers

    def generate_until(self, requests: list[Instance], **_: Any) -> list[str]:
        """The answers to the same requests, in order."""
        assert len(requests) == len(self._answers)
        return list(self._answers)

    def loglikelihood(self, requests: list[Instance], **_: Any) -> Any:
        """Not available: no likelihoods were recorded."""
        raise NotImplementedError

    loglikelihood_rolling = loglikelihood


def evaluate_together(
    stacks: Sequence[AdaptedModel], task: LoadedTask, *, batch_tokens: int, max_length: int | None = None,
    beams: int = 1, length_penalty: float | None = None,
) -> list[EvaluationResult]:  # fmt: skip
    """The result of `evaluate` for each stack.

    Stacks that `may_stand_together` answer in common batches if the task has written answers and decoding is greedy.
    Each then gets an equal part of the seconds, because all answer the same documents. Otherwise the stacks are
    evaluated one after another. Raises SuiteError if stacks have different weights or adapters in the same model,
    because only one of them can be in effect.
    """
    inside = {id(stack.model): stack.in_model for stack in stacks}
    if any(stack.in_model != inside[id(stack.model)] for stack in stacks):
        raise SuiteError(
            "stacks with different weights or adapters are not in effect at once in one model",
            fix="evaluate each while it is, or give each a model of its own",
        )
    options: dict[str, Any] = {"batch_tokens": batch_tokens, "max_length": max_length, "beams": beams}
    lms = [StackLM(stack, length_penalty=length_penalty, **options) for stack in stacks]
    if len(stacks) < 2 or beams > 1 or task.OUTPUT_TYPE != "generate_until" or not may_stand_together(stacks):
        return [evaluate_with(lm, task) for lm in lms]
    began = time.perf_counter()
    with quiet():
        task.build_all_requests()
    answers = generate_together(lms, [request for request in task.instances for _ in range(request.repeats)])
    part = (time.perf_counter() - began) / len(stacks)
    results = [evaluate_with(RecordedLM(lm, of_lm), task) for lm, of_lm in zip(lms, answers, strict=True)]
    return [replace(result, seconds=result.seconds + part) for result in results]
