"""Refuses a task of which the model can write no right answer: whatever is trained, all scores of it would be 0."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING, Final

from suite.core.errors import Problem, SuiteError
from suite.models.chat import Chat, prompt_format
from suite.models.source import LocatedModel
from suite.models.tokenizer import RoundTrip, round_trip, tokenizer_alone
from suite.tasks.data import DataLocations, Row, Rows
from suite.tasks.definition import TaskFile
from suite.tasks.gold import Marks, marks_of
from suite.tasks.reading import new_tokens, written
from suite.tasks.rendering import Texts, fields_of
from suite.tasks.splits import reported_rows
from suite.tasks.templates import Unfit

if TYPE_CHECKING:
    from suite.evaluation.writable import LostAnswer

FIRST: Final = 200
"""Documents that are tried without transformers and lm-eval, which take seconds to import."""
_KEPT: Final = 256
_FOUND: dict[tuple[object, ...], tuple[Problem | None, str]] = {}
"""What is wrong, or what is to be noted."""


def check_writable(
    task: TaskFile, documents: int | None, located: LocatedModel, data: DataLocations, chat: Chat | None = None, *,
    before_run: bool = False,
) -> str:  # fmt: skip
    """A note where the model cannot write some of the right answers that a task reports; else empty.

    Raises SuiteError where it can write none of them. Nothing is said of tasks whose answers are not written, and of
    lm-eval's own. At plan time a model without a tokenizer.json here is let through: to read its tokenizer takes
    seconds, and is done `before_run`.
    """
    marks = marks_of(task, chat=chat is not None)
    if marks is None or located.folder is None:
        return ""
    reading = round_trip(located)
    if reading is None and not before_run:
        return ""
    rows = reported_rows(task, data)
    key = (located.identity, task.fingerprint, rows.content_hash, rows.place(0), documents, str(chat), str(task.path))
    if key not in _FOUND:
        while len(_FOUND) >= _KEPT:
            _FOUND.pop(next(iter(_FOUND)))
        lost, tried = _lost(marks, rows.docs[:documents], reading) if reading else (1, 1)
        problem = _problem(task, rows, documents, located, data, chat) if lost == tried else None
        _FOUND[key] = (problem, _note(task, located, lost, tried) if 0 < lost < tried else "")
    problem, note = _FOUND[key]
    if problem is not None:
        raise SuiteError.of([problem])
    return note


def _lost(marks: Marks, docs: Sequence[Row], reading: RoundTrip) -> tuple[int, int]:
    """Of how many of the first documents no right answer is a right one any more once it was tokens, and how many these
    are."""
    task, lost, tried = marks.task, 0, 0
    texts, limit = Texts(task, fields_of(docs)), new_tokens(task.config.get("generation_kwargs") or {})
    for row in islice(docs, FIRST):
        tried += 1
        try:
            right = texts.references(row)
            outputs = {one: reading(written(task, one, chat=marks.chat), limit) for one in right}
            if not any(marks.full(row, right, one, output) for one, output in outputs.items()):
                lost += any(marks.text_is_full(row, right, one) for one in right)
        except (Unfit, SuiteError):  # said where the rows are checked
            continue
    return lost, tried


def _note(task: TaskFile, located: LocatedModel, lost: int, tried: int) -> str:
    return (
        f"{task.name}: {located.source.title} cannot write the right answers of {lost} of the first {tried} documents "
        "(its tokenizer lacks them, or `max_gen_toks` is too small)"
    )


def _problem(
    task: TaskFile, rows: Rows, documents: int | None, located: LocatedModel, data: DataLocations, chat: Chat | None
) -> Problem | None:
    """What is wrong, by the tokens and prompts of training and evaluation."""
    from suite.evaluation.writable import none_writable
    from suite.tasks.load import load_task

    alone = tokenizer_alone(located)
    asked = None if chat is None else prompt_format(alone.tokenizer, chat, located.source.title)
    lost = none_writable(alone, load_task(task, data, limit=documents, chat=asked))
    return None if lost is None else _refusal(task, rows, documents, located, lost)


def _refusal(task: TaskFile, rows: Rows, documents: int | None, located: LocatedModel, lost: LostAnswer) -> Problem:
    from suite.evaluation.writable import short

    count = len(rows.docs[:documents])
    what = f"{located.source.title} can write none of the right answers of task '{task.name}' ({count} documents)"
    example, place = short(lost.reference), rows.place(lost.document)
    if lost.length is not None:
        what = f"{what}: {example} ({place}) has {lost.length} tokens, and `max_gen_toks` allows {lost.limit}"
        return Problem(str(task.path), what, f"raise `max_gen_toks` to {lost.length} or more")
    what = f"{what}: its tokenizer loses them, {example} ({place}) is read as {short(lost.read)}"
    fix = "name another `model` in the track"
    if located.source.bundled is not None:
        fix = f"{fix}: the bundled models know only the words of their own tasks"
    return Problem(str(task.path), what, fix)
