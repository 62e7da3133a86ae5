"""Compute scores again from stored answers, without running a model."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from lm_eval.api.instance import Instance
from lm_eval.api.model import LM

from suite.core.errors import SuiteError
from suite.evaluation.evaluate import EvaluationResult, evaluate_with
from suite.tasks.load import LoadedTask, references


class Stored(Protocol):
    """A stored answer (`suite.results.store.AnswerRecord`, `suite.evaluation.evaluate.Answer`)."""

    doc_id: int
    output: str
    parsed: str


class StoredAnswers(LM):  # type: ignore[misc]
    """An LM that returns stored answers."""

    def __init__(self, answers: Sequence[Any], task: LoadedTask) -> None:
        super().__init__()
        self._answers: Mapping[int, Any] = {answer.doc_id: answer for answer in answers}
        self._task = task
        self.truncated: set[str] = set()
        self.tokens = 0

    def generate_until(self, requests: list[Instance], **_: Any) -> list[str]:
        """The stored outputs."""
        return [str(self._of(request).output) for request in requests]

    def loglikelihood(self, requests: list[Instance], **_: Any) -> list[tuple[float, bool]]:
        """The stored log-likelihoods of each document's choices, or of its target."""
        return [self._likelihood(request) for request in requests]

    def loglikelihood_rolling(self, requests: list[Instance], **_: Any) -> list[float]:
        """The stored log-likelihood of each document."""
        return [self._numbers(request)[0] for request in requests]

    def _likelihood(self, request: Instance) -> tuple[float, bool]:
        numbers = self._numbers(request)
        if self._task.OUTPUT_TYPE == "loglikelihood":
            return numbers[0], self._of(request).parsed == references(self._task, request.doc)[0]
        if request.idx >= len(numbers):
            raise SuiteError("the log-likelihoods of more than its choices were asked for, and are not stored")
        return numbers[request.idx], False

    def _numbers(self, request: Instance) -> list[float]:
        """The stored output as numbers. Raises SuiteError if it is not a list of numbers."""
        try:
            numbers = json.loads(self._of(request).output)
            return [float(number) for number in (numbers if isinstance(numbers, list) else [numbers])]
        except (ValueError, TypeError) as error:
            raise SuiteError(f"the stored output of document {request.doc_id} is no log-likelihood") from error

    def _of(self, request: Instance) -> Any:
        """The stored answer to a request's document. Raises SuiteError if there is none."""
        try:
            return self._answers[request.doc_id]
        except KeyError:
            raise SuiteError(f"document {request.doc_id} has no stored answer") from None


def rescored(task: LoadedTask, answers: Sequence[Any]) -> EvaluationResult:
    """Score stored answers to the task's documents again. Raises SuiteError if this is not possible."""
    return evaluate_with(StoredAnswers(answers, task), task)


def metrics_not_rescored(task: LoadedTask) -> Iterator[str]:
    """Metrics that cannot be rescored: they depend on likelihoods that are not stored with the answers."""
    if task.OUTPUT_TYPE == "multiple_choice":
        yield from ("exact_match", "acc_mutual_info")
