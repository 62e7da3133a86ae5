"""Routing: a short first pass names the skill of each document's prompt, and that skill's stack answers.

Documents are grouped by skill, so that each stack is applied once and answers in batches (Transformer², section 3.2:
"prompt" and "classification expert").
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from lm_eval.api.instance import Instance
from lm_eval.api.model import LM

from suite.core.diagnostics import RoutingReport
from suite.evaluation.evaluate import Answering, EvaluationResult, evaluate_with
from suite.evaluation.lm import StackLM
from suite.models.adapted import AdaptedModel
from suite.tasks.data import DataLocations
from suite.tasks.definition import TaskFile
from suite.tasks.load import LoadedTask, question, references, selection_task

LMFactory = Callable[[AdaptedModel], StackLM]
"""Makes the LM of a stack, with the track's batch size and lengths."""


class DispatchLM(LM):  # type: ignore[misc]
    """An LM that answers each document with the stack of its skill."""

    def __init__(self, skills: Sequence[str], stack_of: Callable[[str], AdaptedModel], lm_for: LMFactory) -> None:
        """`skills` are the skills of the task's documents, in order."""
        super().__init__()
        self.skills, self.stack_of, self.lm_for = skills, stack_of, lm_for
        self.truncated: set[str] = set()
        self.tokens = 0

    def generate_until(self, requests: list[Instance], **_: Any) -> list[str]:
        """Answers of each document's `StackLM`."""
        return self._answer("generate_until", requests)

    def loglikelihood(self, requests: list[Instance], **_: Any) -> list[tuple[float, bool]]:
        """Log-likelihoods of each document's `StackLM`."""
        return self._answer("loglikelihood", requests)

    def loglikelihood_rolling(self, requests: list[Instance], **_: Any) -> list[float]:
        """Rolling log-likelihoods of each document's `StackLM`."""
        return self._answer("loglikelihood_rolling", requests)

    def _answer(self, kind: str, requests: list[Instance]) -> list[Any]:
        groups: dict[str, list[int]] = {}
        for index, request in enumerate(requests):
            groups.setdefault(self.skills[request.doc_id], []).append(index)
        answers: list[Any] = [None] * len(requests)
        for skill, indices in groups.items():
            lm = self.lm_for(self.stack_of(skill))
            of_group = getattr(lm, kind)([requests[index] for index in indices])
            for index, answer in zip(indices, of_group, strict=True):
                answers[index] = answer
            self.truncated |= lm.truncated
            self.tokens += lm.tokens
        return answers


def evaluate_dispatched(
    task: LoadedTask,
    first: TaskFile,
    locations: DataLocations,
    *,
    router: Callable[[], AdaptedModel],
    stack_of: Callable[[str], AdaptedModel],
    lm_for: LMFactory,
    cached: Callable[[Answering], Answering] = lambda lm: lm,
) -> EvaluationResult:
    """Answer and score all documents of a task with the stacks of their skills, which the task `first` finds.

    An unparsable first answer gives the skill "". The finding `dispatch` has the skill of each document and the seconds
    of both passes, including the time to apply stacks. `cached` wraps the LM of each pass.
    """
    began = time.perf_counter()
    skills, tokens = _skills(task, first, locations, cached(lm_for(router())))
    between = time.perf_counter()
    result = evaluate_with(cached(DispatchLM(skills, stack_of, lm_for)), task)
    names = sorted(set(skills))
    seconds = (round(between - began, 3), round(time.perf_counter() - between, 3))
    of_documents = tuple(names.index(skill) for skill in skills)
    finding = RoutingReport(skills=tuple(names), of_documents=of_documents, seconds=seconds)
    return replace(result, tokens=result.tokens + tokens, findings=(*result.findings, finding))


def _skills(task: LoadedTask, first: TaskFile, locations: DataLocations, lm: Answering) -> tuple[list[str], int]:
    """The skill of each document's own prompt, and the number of tokens of the first pass."""
    skills = list(dict.fromkeys(skill for of_source in first.sources.values() for skill in of_source))
    prompts = [question(task, doc) for doc in task.eval_docs]
    rows = [{"question": prompt, "skill": skills[0]} for prompt in dict.fromkeys(prompts)]
    loaded = selection_task(first, locations, rows, chat=task.chat)
    words = {references(loaded, {**rows[0], "skill": skill})[0]: skill for skill in skills}
    routed = evaluate_with(lm, loaded)
    named = {row["question"]: words.get(answer.parsed, "") for row, answer in zip(rows, routed.answers, strict=True)}
    return [named[prompt] for prompt in prompts], routed.tokens
