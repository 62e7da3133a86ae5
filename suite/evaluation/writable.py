"""Whether a model can write a task's right answers at all: in its tokenizer's words, and within the limit of tokens.

The ids of a right answer are read back as a decoded answer is. Where that misses full marks though the text itself has
them, no training helps: the tokenizer has no token for something in it, or the answer is longer than the task lets a
model write.
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
    """Right answers that cannot be written."""

    task: str
    finding: UnwritableAnswers
    reference: str
    """The right answer of the first document."""
    read: str
    """What is read from its tokens."""

    @property
    def notice(self) -> str:
        """What a person should know about it."""
        documents = self.finding.documents
        first = f"document {documents[0]}: {_short(self.reference)} is read as {_short(self.read)}"
        return (
            f"{self.task}: the model cannot write the right answers of {len(documents)} of {self.finding.tried} "
            f"documents with its tokenizer and within `max_gen_toks` ({first})"
        )


def unwritable(backbone: Backbone, task: LoadedTask) -> Lost | None:
    """The documents without a right answer that can be written so that it gets full marks; None where there are none.

    Nothing is said of tasks whose answers are scored and not written, of programs, and of lm-eval's own tasks.
    """
    marks = marks_of(task.file)
    if marks is None:
        return None
    settings = task.config.generation_kwargs or {}
    until = settings.get("until") or ()
    stops = Stops(backbone.tokenizer, (until,) if isinstance(until, str) else until)
    limit = new_tokens(settings) + backbone.sentinels  # the opening sentinel is no part of the answer
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
    """The first right answer of a document and what is read from it; None if one of them can be written."""
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
