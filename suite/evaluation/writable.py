"""Whether a model can write a task's right answers at all: with its tokenizer and within the token limit.

The ids of each right answer are decoded like a model's answer. If they miss full marks although the text itself has
them, training cannot help. Then the tokenizer lacks a token for a part of the answer, or the answer exceeds the task's
limit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from suite.core.diagnostics import UnwritableAnswers
from suite.inference.decode import Stops
from suite.models.tokens import Tokenizing, encode_answer
from suite.tasks.data import Row
from suite.tasks.gold import Marks, marks_of
from suite.tasks.load import LoadedTask, references
from suite.tasks.training_text import following_text, new_tokens, prompt_text


@dataclass(frozen=True)
class LostAnswer:
    """A document without a right answer that can be written, and the first of its right answers."""

    document: int
    reference: str
    read: str
    """What is read from its tokens."""
    length: int | None
    """How many tokens it has, where it is only too long; None where the tokenizer loses a part of it."""
    limit: int
    """How many tokens an answer may have."""


@dataclass(frozen=True)
class Lost:
    """Right answers that the model cannot write."""

    task: str
    finding: UnwritableAnswers
    first: LostAnswer

    @property
    def notice(self) -> str:
        """A notice for the user."""
        finding, first = self.finding, self.first
        example = f"document {first.document}: {short(first.reference)} is read as {short(first.read)}"
        return (
            f"{self.task}: the model cannot write the right answers of {len(finding.documents)} of {finding.tried} "
            f"documents with its tokenizer and within `max_gen_toks` ({example})"
        )


def unwritable(tokenizing: Tokenizing, task: LoadedTask) -> Lost | None:
    """The documents none of whose right answers can be written with full marks; None if there are none.

    None, too, for tasks with scored choices, for programs, and for lm-eval's own tasks.
    """
    lost = [answer for answer in _answers(tokenizing, task) if isinstance(answer, LostAnswer)]
    if not lost:
        return None
    documents = tuple(answer.document for answer in lost)
    return Lost(task.file.name, UnwritableAnswers(documents=documents, tried=len(task.eval_docs)), lost[0])


def none_writable(tokenizing: Tokenizing, task: LoadedTask) -> LostAnswer | None:
    """The first document, where none has a right answer that can be written; the first that has one ends the search."""
    first: LostAnswer | None = None
    for answer in _answers(tokenizing, task):
        if answer is True:
            return None
        first = answer if first is None and isinstance(answer, LostAnswer) else first
    return first


def _answers(tokenizing: Tokenizing, task: LoadedTask) -> Iterator[LostAnswer | bool]:
    """For each document whether one of its right answers can be written, and the first one where that is lost.

    False: they miss full marks as texts, too. Nothing for tasks whose answers are not written.
    """
    marks = marks_of(task.file, chat=task.chat is not None)
    if marks is None:
        return
    settings = task.config.generation_kwargs or {}
    until = settings.get("until") or ()
    stops = Stops(tokenizing.tokenizer, (until,) if isinstance(until, str) else until)
    limit = new_tokens(settings)
    for index, doc in enumerate(task.eval_docs):
        yield _lost(tokenizing, task, index, doc, references(task, doc), marks, stops, limit)


def _lost(
    tokenizing: Tokenizing, task: LoadedTask, index: int, doc: Row, right: Sequence[str], marks: Marks, stops: Stops,
    limit: int,
) -> LostAnswer | bool:  # fmt: skip
    """What `_answers` gives for one document."""
    first: LostAnswer | None = None
    prompt = prompt_text(task, doc, 0)
    opening = int(tokenizing.sentinels)  # the opening sentinel is no part of the answer
    for reference in right:
        whole = encode_answer(tokenizing, prompt, following_text(task, doc, reference))
        decoded = stops.before(whole[: limit + opening])
        if marks.full(doc, right, reference, decoded):
            return True
        if first is None and marks.text_is_full(doc, right, reference):
            too_long = marks.full(doc, right, reference, stops.before(whole))
            length = len(whole) - 2 * opening if too_long else None
            first = LostAnswer(index, reference, marks.read(decoded, doc), length, limit)
    return first or False


def short(text: str) -> str:
    """A text on one line, in quotes; a long one is cut."""
    line = " ".join(text.split())
    return repr(line if len(line) <= 40 else f"{line[:39]}…")
