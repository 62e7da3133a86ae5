"""Render the prompts of a stored evaluation again; a prompt is returned only if its hash is the stored one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lm_eval.api.instance import Instance
from lm_eval.utils import hash_string

from suite.core.chat import ChatFormat
from suite.core.errors import SuiteError
from suite.tasks.data import DataLocations
from suite.tasks.definition import TaskFile, read_task
from suite.tasks.load import LoadedTask, load_task, quiet
from suite.tasks.splits import exemplar_rows, reported_rows


@dataclass(frozen=True)
class RenderedPrompt:
    """The prompt of a model."""

    text: str
    """The whole prompt: description, exemplars, question. If it contains the choice, that of the first choice."""
    choices: tuple[str, ...] = ()
    """The scored choices, in the order of their log-likelihoods; empty if the model wrote its answer."""


class RenderedPrompts:
    """The prompts of one evaluation, rendered from the present task and data."""

    def __init__(
        self, name: str, config: Mapping[str, Any], folders: Sequence[Path], locations: DataLocations,
        chat: ChatFormat | None = None,
    ) -> None:  # fmt: skip
        """`config` is the step's: it has the task's fingerprint and the data's hashes at the time of the evaluation.

        `chat` is the chat format, if the model was asked as a chat. Raises SuiteError if the task or its data are
        missing here.
        """
        try:
            self._file = read_task(name, folders)
        except SuiteError as error:  # the names of other tasks would not help here
            raise SuiteError(error.problems[0].what, where=error.problems[0].where) from error
        shots, draw, documents = int(config.get("shots") or 0), config.get("draw", 0), config.get("documents")
        self._differs = _differs(self._file, config, locations, shots)
        self._task = load_task(self._file, locations, shots=shots, draw=draw, limit=documents, chat=chat)

    def of(self, document: int, prompt_hash: str) -> RenderedPrompt:
        """The prompt of a document. Raises SuiteError if it differs from the prompt of the evaluation."""
        try:
            found = _rendered(self._task, document)
        except Exception:
            if not self._differs:
                raise
            found = None  # another task's templates may fail on these rows in any way
        if found is None or hash_string(found.text) != prompt_hash:
            what = self._differs or f"the task '{self._file.name}' makes other prompts with this version of suite"
            raise SuiteError(what, where=str(self._file.path))
        return found


def _differs(file: TaskFile, config: Mapping[str, Any], locations: DataLocations, shots: int) -> str:
    """What has changed since the evaluation ran; empty if nothing has."""
    if file.fingerprint != config.get("task"):
        return f"the task '{file.name}' was changed since, or is another one here"
    if reported_rows(file, locations).content_hash != config.get("data"):
        return f"the data of task '{file.name}' were changed since, or are others here"
    if shots and exemplar_rows(file, locations).content_hash != config.get("exemplars"):
        return f"the exemplars of task '{file.name}' were changed since, or are others here"
    return ""


def _rendered(task: LoadedTask, document: int) -> RenderedPrompt:
    """The prompt that lm-eval makes from a document for an evaluation."""
    doc = task.eval_docs[document]
    with quiet():
        context = task.fewshot_context(doc, num_fewshot=task.config.num_fewshot, gen_prefix=task.doc_to_prefix(doc))
        asked = task.construct_requests(doc, context, metadata=(task.config.task, document, task.config.repeats))
    first: Instance = asked[0] if isinstance(asked, list) else asked
    choices = map(str, task.doc_to_choice(doc)) if task.OUTPUT_TYPE == "multiple_choice" else ()
    return RenderedPrompt(str(first.args[0]), tuple(choices))
