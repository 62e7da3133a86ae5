"""Which documents are equal: documents that a model reads alike, whatever other fields their rows have.

The rule, for the rows of a task as its templates render them:

- the *question* is the 0-shot prompt, ignoring differences of white space and of Unicode composition;
- for a task of choices, the choices belong to the question, but their order does not: a question with reordered
  choices is the same question. Choices are those that `doc_to_choice` names, or the list whose texts follow the task's
  labels in the prompt (`A) red B) blue`). The order of any other list is significant;
- the *document* is the question with its right answers, in any order.

Rows that our templates cannot render (lm-eval's own tasks with Python functions) are compared by their content.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from string import ascii_uppercase
from typing import Any, Final, Protocol

from jinja2 import Environment, TemplateError, meta

from suite.tasks.choice_lists import Path, behind_labels, in_order, lists
from suite.tasks.data import Row, Rows
from suite.tasks.definition import TaskFile
from suite.tasks.rendering import Texts, fields_of
from suite.tasks.sameness import near_keys, normalised
from suite.tasks.templates import Unfit

IDENTIFIERS: Final = frozenset({"idx", "id", "_id", "uid", "qId", "question_id", "gem_id", "task_id", "answerKey"})
"""Fields that name a row or the position of a choice; they do not count when content is compared."""
_ALL: Final = "*"
_KEPT: Final = 128


@dataclass(frozen=True)
class Identity:
    """A row as a model sees it: hashes of its question and answers."""

    question: str
    """Rows with an equal value ask the same question."""
    answers: frozenset[str]
    """Hashes of its right answers; empty if they are positions of choices or unknown."""

    @cached_property
    def document(self) -> str:
        """SHA-256; rows with an equal value ask the same question and have the same answers."""
        return _hash(self.question, *sorted(self.answers))

    def agrees(self, other: Identity) -> bool:
        """Whether an answer to one row is right for the other, as far as known. For equal questions."""
        return not self.answers or not other.answers or bool(self.answers & other.answers)


class Reads(Protocol):
    """Computes the question and identity of a row."""

    def question(self, row: Row) -> str:
        """The hash of its question."""

    def near(self, row: Row) -> frozenset[int]:
        """Keys of a row; rows that ask nearly the same share a key."""

    def __call__(self, row: Row) -> Identity:
        """The identity of a row."""


class Identified:
    """Rows as a task reads them. Right answers are rendered on demand, because few rows ask the same."""

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
        """Question -> indices of the rows that ask it."""
        found: dict[str, list[int]] = defaultdict(list)
        for place, each in enumerate(self.questions):
            found[each].append(place)
        return dict(found)

    @cached_property
    def near(self) -> Sequence[frozenset[int]]:
        """Keys of each row; rows that ask nearly the same share a key."""
        return [self._read.near(row) for row in self._rows]


_DONE: dict[tuple[str, str, str], Identified] = {}


def identified(task: TaskFile, rows: Rows) -> Identified:
    """The rows as this task reads them; cached."""
    key = (task.fingerprint, str(task.metadata.get("kind")), rows.content_hash)
    if key not in _DONE:
        while len(_DONE) >= _KEPT:
            _DONE.pop(next(iter(_DONE)))
        _DONE[key] = Identified(rows.docs, Identities(task, fields_of(rows.docs)))
    return _DONE[key]


def can_read(task: TaskFile, rows: Rows) -> bool:
    """Whether the task's templates fit these rows, which may be another task's."""
    identity = Identities(task, fields_of(rows.docs))
    return identity.texts is None or identity.rendered(rows.docs[0]) is not None


def asked(question: str) -> str:
    """The hash of a rendered question."""
    return _hash(normalised(question))


def told(question: str, answers: Iterable[str]) -> Identity:
    """The identity of a rendered question and its answers."""
    return Identity(asked(question), frozenset(_hash(normalised(each)) for each in answers))


class Identities:
    """Computes the identity of a task's rows."""

    def __init__(self, task: TaskFile, fields: Iterable[str]) -> None:
        """`fields` are the fields of the rows."""
        known = frozenset(fields)
        self.texts = _texts(task, known)
        self._chosen = task.config.get("doc_to_choice") is not None
        self._named, self._labels = _choice_fields(task), _place_names(task)
        choices = task.config.get("doc_to_choice")
        self._varying = isinstance(choices, str) or any(_fields_in(each, known) for each in choices or ())
        self._asks = self._varying or bool(_fields_in(task.config.get("doc_to_text", ""), known))

    def __call__(self, row: Row) -> Identity:
        """A row's identity; by its content if no template renders it."""
        rendered = self.rendered(row)
        return Identity(self._content(row), frozenset()) if rendered is None else rendered

    def question(self, row: Row) -> str:
        """The hash of a row's question."""
        text = self._asked(row)
        return self._content(row) if text is None else asked(text)

    def near(self, row: Row) -> frozenset[int]:
        """Keys of a row; rows that ask nearly the same share a key. Empty if no template renders the row."""
        text = self._asked(row)
        return frozenset() if text is None else near_keys(text)

    def rendered(self, row: Row) -> Identity | None:
        """The identity of a row as its templates render it; None if they do not."""
        text = self._asked(row)
        return None if text is None else told(text, self._answers(row))

    def _asked(self, row: Row) -> str | None:
        """The question and its choices in a fixed order; None if the templates do not fit."""
        if self.texts is None:
            return None
        try:
            plain = in_order(row, self._free(row))
            question, choices = self.texts.question(plain), sorted(self._choices(plain))
        except Unfit:
            return None
        if isinstance(question, int):  # the prompt is one of the choices, the right one
            return "\n".join([*choices, *self._references(row)])
        if self._asks and (question.strip() or choices):
            return "\n".join([question, *choices])
        # all rows ask the same or nothing: the right answers distinguish them, unless they are a few labels
        return None if self._chosen else "\n".join(["", *sorted(self._references(row))])

    def _choices(self, row: Row) -> Sequence[str]:
        """The choices of a row that are not the same for all rows."""
        return (self.texts.choices(row) or ()) if self._varying and self.texts is not None else ()

    def _references(self, row: Row) -> tuple[str, ...]:
        assert self.texts is not None
        try:
            return self.texts.references(row)
        except Unfit:
            return ()

    def _answers(self, row: Row) -> tuple[str, ...]:
        """The right answers, except those that name the position of a choice whose order does not matter."""
        found, free = self._references(row), self._free(row)
        if not free and not self._named:
            return found
        texts = {*self._choices(row), *(text for path, texts in lists(row) if path in free for text in texts)}
        return tuple(each for each in found if each in texts and len(each.strip()) > 1)

    def _free(self, row: Row) -> frozenset[Path]:
        """Paths of a row's lists of choices, whose order does not matter. Raises Unfit if the templates do not fit."""
        if self._named or not self._labels or self.texts is None:
            return frozenset(path for path, _ in lists(row) if self._named & {path[0], _ALL})
        texts = [*lists(row)]
        asked = normalised(str(self.texts.question(row))).casefold() if texts else ""
        return frozenset(path for path, each in texts if behind_labels(each, self._labels, asked))

    def _content(self, row: Row) -> str:
        """Hash of a row's fields except names; lists of choices are sorted, all lists if a task of choices has no
        template."""
        every = not self._named and self.texts is None and bool(self._labels)
        free = frozenset(path for path, _ in lists(row) if every or self._named & {path[0], _ALL})
        content = {key: value for key, value in in_order(row, free).items() if key not in IDENTIFIERS}
        return _hash(json.dumps(content, sort_keys=True, ensure_ascii=False, default=str))


def _texts(task: TaskFile, fields: frozenset[str]) -> Texts | None:
    """The templates of a task; None if its prompts are not made by templates alone that we can read."""
    config = task.config
    given = [config.get(key, "") for key in ("doc_to_text", "doc_to_target", "doc_to_choice")]
    if config.get("process_docs") or any(str(each).startswith("!function") for each in given):
        return None
    try:
        return Texts(task, fields)
    except TemplateError:  # it uses a filter of lm-eval
        return None


def _choice_fields(task: TaskFile) -> frozenset[str]:
    """The fields that `doc_to_choice` names."""
    choices = task.config.get("doc_to_choice")
    return _fields_in(choices, ()) or frozenset({choices}) if isinstance(choices, str) else frozenset()


def _place_names(task: TaskFile) -> tuple[str, ...]:
    """The labels before the choices of a prompt, in order (`A`, `B`); empty for a task without such choices."""
    choices = task.config.get("doc_to_choice")
    if choices is None and task.metadata.get("kind") == "choice":
        return tuple(map(str, task.metadata.get("labels") or ascii_uppercase))
    names = tuple(map(str, choices)) if isinstance(choices, (tuple, list)) else ()
    return names if all(len(name.strip()) < 2 for name in names) else ()


def _fields_in(template: Any, fields: Iterable[str]) -> frozenset[str]:
    """The fields of a row that a template names, as far as can be determined."""
    if not isinstance(template, str):
        return frozenset()
    if template in set(fields):
        return frozenset({template})
    try:
        return frozenset(meta.find_undeclared_variables(Environment().parse(template)))
    except TemplateError:  # such as a filter of lm-eval
        return frozenset({_ALL}) if "{{" in template or "{%" in template else frozenset()


def _hash(*parts: str) -> str:
    digest = sha256()
    for part in parts:
        digest.update(part.encode("utf-8", "surrogatepass") + b"\0")
    return digest.hexdigest()
