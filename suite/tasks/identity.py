"""Which documents are the same: those that a model reads alike, whatever other fields their rows have.

The rule, for the rows of a task as its templates render them:

- the *question* is the 0-shot prompt, without differences of whitespace and of Unicode's ways to write a letter;
- of a task of choices, the choices belong to it, and their order does not: a question whose choices are in another
  order is the same question. The order of any other list counts;
- the *document* is the question with its right answers, in any order.

Rows that no template of ours can render (lm-eval's own tasks with Python functions) are compared by their content.
"""

from __future__ import annotations

import json
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Any, Final, Protocol

from jinja2 import Environment, TemplateError, meta

from suite.tasks.data import Row, Rows
from suite.tasks.definition import TaskFile
from suite.tasks.rendering import Texts, fields_of
from suite.tasks.templates import Unfit

IDENTIFIERS: Final = frozenset({"idx", "id", "_id", "uid", "qId", "question_id", "gem_id", "task_id", "answerKey"})
"""Fields that name a row, or the place of a choice: no part of its content, where that is what is compared."""
_ALL: Final = "*"
_KEPT: Final = 128


@dataclass(frozen=True)
class Identity:
    """What a row is to a model."""

    question: str
    """Rows with an equal one ask the same."""
    answers: frozenset[str]
    """Its right answers; none where they are the place of a choice, or not known."""

    @cached_property
    def document(self) -> str:
        """Rows with an equal one ask the same and have the same answers: SHA-256."""
        return _hash(self.question, *sorted(self.answers))

    def agrees(self, other: Identity) -> bool:
        """Whether an answer to the one is right for the other, as far as it is known. For equal questions."""
        return not self.answers or not other.answers or bool(self.answers & other.answers)


class Reads(Protocol):
    """Tells what a row asks, and what it is."""

    def question(self, row: Row) -> str:
        """What names its question."""

    def __call__(self, row: Row) -> Identity:
        """Its identity."""


class Identified:
    """Rows as a task reads them. Right answers are rendered where they are asked for: few rows ask the same."""

    def __init__(self, rows: Sequence[Row], read: Reads) -> None:
        self.questions = tuple(read.question(row) for row in rows)
        self._rows, self._read = rows, read
        self._known: dict[int, Identity] = {}

    def __getitem__(self, place: int) -> Identity:
        """The identity of a row."""
        if place not in self._known:
            self._known[place] = self._read(self._rows[place])
        return self._known[place]

    @cached_property
    def places(self) -> Mapping[str, Sequence[int]]:
        """The rows that ask each question."""
        found: dict[str, list[int]] = defaultdict(list)
        for place, each in enumerate(self.questions):
            found[each].append(place)
        return dict(found)


_DONE: dict[tuple[str, str, str], Identified] = {}


def identified(task: TaskFile, rows: Rows) -> Identified:
    """Each row as this task reads it."""
    key = (task.fingerprint, str(task.metadata.get("kind")), rows.content_hash)
    if key not in _DONE:
        while len(_DONE) >= _KEPT:
            _DONE.pop(next(iter(_DONE)))
        _DONE[key] = Identified(rows.docs, Identities(task, fields_of(rows.docs)))
    return _DONE[key]


def can_read(task: TaskFile, rows: Rows) -> bool:
    """Whether the task's templates fit rows that may be another task's."""
    identity = Identities(task, fields_of(rows.docs))
    return identity.texts is None or identity.rendered(rows.docs[0]) is not None


def asked(question: str) -> str:
    """The identity of a rendered question."""
    return _hash(normalised(question))


def told(question: str, answers: Iterable[str]) -> Identity:
    """The identity of what was rendered."""
    return Identity(asked(question), frozenset(_hash(normalised(each)) for each in answers))


def normalised(text: str) -> str:
    """Text in Unicode's composed form with single spaces."""
    return " ".join(unicodedata.normalize("NFC", text).split())


class Identities:
    """The identity of each row of a task."""

    def __init__(self, task: TaskFile, fields: Iterable[str]) -> None:
        """`fields` are those of the rows."""
        known = frozenset(fields)
        self.texts = _texts(task, known)
        self._chosen = task.config.get("doc_to_choice") is not None
        self._free = _free_of_order(task)
        choices = task.config.get("doc_to_choice")
        self._varying = isinstance(choices, str) or any(_fields_in(each, known) for each in choices or ())
        self._asks = self._varying or bool(_fields_in(task.config.get("doc_to_text", ""), known))

    def __call__(self, row: Row) -> Identity:
        """A row's identity: by its content where no template renders it."""
        rendered = self.rendered(row)
        return Identity(_content(row, self._free), frozenset()) if rendered is None else rendered

    def question(self, row: Row) -> str:
        """What names the question of a row."""
        text = self._asked(row)
        return _content(row, self._free) if text is None else asked(text)

    def rendered(self, row: Row) -> Identity | None:
        """The identity of a row as its templates render it; None where they do not."""
        text = self._asked(row)
        return None if text is None else told(text, self._answers(row))

    def _asked(self, row: Row) -> str | None:
        """The question and its choices, if there are any, in a fixed order; None where templates do not fit."""
        if self.texts is None:
            return None
        plain = _in_order(row, self._free)
        try:
            question, choices = self.texts.question(plain), sorted(self._choices(plain))
        except Unfit:
            return None
        if isinstance(question, int):  # the prompt is one of the choices, the right one
            return "\n".join([*choices, *self._references(row)])
        if self._asks and (question.strip() or choices):
            return "\n".join([question, *choices])
        # all rows are asked the same, or nothing: what is to be written tells them apart, but a few labels do not
        return None if self._chosen else "\n".join(["", *sorted(self._references(row))])

    def _choices(self, row: Row) -> Sequence[str]:
        """The choices of a row that are its own."""
        return (self.texts.choices(row) or ()) if self._varying and self.texts is not None else ()

    def _references(self, row: Row) -> tuple[str, ...]:
        assert self.texts is not None
        try:
            return self.texts.references(row)
        except Unfit:
            return ()

    def _answers(self, row: Row) -> tuple[str, ...]:
        """The right answers, but for those that name the place of a choice whose order is free."""
        found = self._references(row)
        if not self._free:
            return found
        texts = {*self._choices(row), *_texts_in(row, self._free)}
        return tuple(each for each in found if each in texts and len(each.strip()) > 1)


def _texts(task: TaskFile, fields: frozenset[str]) -> Texts | None:
    """The templates of a task; None where prompts are made by more than templates that we can read."""
    config = task.config
    given = [config.get(key, "") for key in ("doc_to_text", "doc_to_target", "doc_to_choice")]
    if config.get("process_docs") or any(str(each).startswith("!function") for each in given):
        return None
    try:
        return Texts(task, fields)
    except TemplateError:  # with a filter of lm-eval's
        return None


def _free_of_order(task: TaskFile) -> frozenset[str]:
    """The fields whose lists are choices; `*` for all."""
    choices = task.config.get("doc_to_choice")
    if isinstance(choices, str):
        return _fields_in(choices, ()) or frozenset({choices})
    if choices is None:
        return frozenset({_ALL}) if task.metadata.get("kind") == "choice" else frozenset()
    return frozenset({_ALL}) if all(len(str(each).strip()) < 2 for each in choices) else frozenset()


def _fields_in(template: Any, fields: Iterable[str]) -> frozenset[str]:
    """The fields of a row that a template names, as far as can be told."""
    if not isinstance(template, str):
        return frozenset()
    if template in set(fields):
        return frozenset({template})
    try:
        return frozenset(meta.find_undeclared_variables(Environment().parse(template)))
    except TemplateError:  # a filter of lm-eval's, for one
        return frozenset({_ALL}) if "{{" in template or "{%" in template else frozenset()


def _in_order(row: Row, free: frozenset[str]) -> Row:
    """A row whose lists of choices are sorted."""
    if not free:
        return row
    return {key: _sorted(value) if free & {key, _ALL} else value for key, value in row.items()}


def _sorted(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _sorted(each) for key, each in value.items()}
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return sorted(value)
    return value


def _texts_in(value: Any, free: frozenset[str]) -> Iterable[str]:
    """The texts in lists of choices."""
    parts = value.items() if isinstance(value, Mapping) else ()
    for key, each in parts:
        if not free & {key, _ALL}:
            continue
        if isinstance(each, Mapping):
            yield from _texts_in(each, frozenset({_ALL}))
        elif isinstance(each, list):
            yield from (text for text in each if isinstance(text, str))


def _content(row: Row, free: frozenset[str]) -> str:
    content = {key: value for key, value in _in_order(row, free).items() if key not in IDENTIFIERS}
    return _hash(json.dumps(content, sort_keys=True, ensure_ascii=False, default=str))


def _hash(*parts: str) -> str:
    digest = sha256()
    for part in parts:
        digest.update(part.encode("utf-8", "surrogatepass") + b"\0")
    return digest.hexdigest()
