"""Whether a model can write a task's right answers at all: with its tokenizer and within the token limit.

The ids of each right answer are decoded like a model's answer. If they miss full marks although the text itself has
them, training cannot help. Then the tokenizer lacks a token for a part of the answer, or the answer exceeds the task's
limit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from suite.core.diagnostics import UnwritableAnswers
from suite.inference.decode import Stops
from suite.models.backbone import Backbone
from suite.models.tokens import encode_answer
from suite.tasks.data import Row
from suite.tasks.gold import Marks, marks_of
from suite.tasks.load import LoadedTask, references
from suite.tasks.training_text import following_text, new_tokens, prompt_text


@dataclass(frozen=True)
class Lost:
    """Right answers that the model cannot write."""

    task: str
    finding: UnwritableAnswers
    reference: str
    """The right answer of the first such document."""
    read: str
    """The text that is read from its tokens."""

    @property
    def notice(self) -> str:
        """A notice for the user."""
        documents = self.finding.documents
        first = f"document {documents[0]}: {_short(self.reference)} is read as {_short(self.read)}"
        return (
            f"{self.task}: the model cannot write the right answers of {len(documents)} of {self.finding.tried} "
            f"documents with its tokenizer and within `max_gen_toks` ({first})"
        )


def unwritable(backbone: Backbone, task: LoadedTask) -> Lost | None:
    """The documents none of whose right answers can be written with full marks; None if there are none.

    None, too, for tasks with scored choices, for programs, and for lm-eval's own tasks.
    """
    marks = marks_of(task.file, chat=task.chat is not None)
    if marks is None:
        return None
    settings = task.config.generation_kwargs or {}
    until = settings.get("until") or ()
    stops = Stops(backbone.tokenizer, (until,) if isinstance(until, str) else until)
    limit = new_tokens(settings) + backbone.sentinels  # the opening sentinel is not part of the answer
    lost_documents, example = list[int](), ("", "")
    for index, doc in enumerate(task.eval_docs):
        right = references(task, doc)
        lost_answer = _lost(backbone, task, doc, right, marks, stops, limit)
        if lost_answer is not None:
            example = example if lost_documents else lost_answer
            lost_documents.append(index)
    if not lost_documents:
        return None
    return Lost(task.file.name, UnwritableAnswers(documents=tuple(lost_documents), tried=len(task.eval_docs)), *example)


def _lost(
    backbone: Backbone, task: LoadedTask, doc: Row, right: Sequence[str], marks: Marks, stops: Stops, limit: int
) -> tuple[str, str] | None:
    """A document's first right answer and what is read from it; None if one of its right answers can be written."""
    first: tuple[str, str] | None = None
    prompt = prompt_text(task, doc, 0)
    for reference in right:
        ids = encode_answer(backbone, prompt, following_text(task, doc, reference))[:limit]
        decoded = stops.before(ids)
        if marks.full(doc, right, reference, decoded):
            return None
        if marks.text_is_full(doc, right, reference):
            first = first or (reference, marks.read(decoded, doc))
    return first


def _short(text: str) -> str:
    line = " ".join(text.split())
    return repr(line if len(line) <= 40 else f"{line[:39]}…")
