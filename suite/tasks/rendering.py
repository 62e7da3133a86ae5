"""Render a row with a task's templates: the question, the choices, and the right answers as texts."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from suite.core.labels import as_label
from suite.tasks.definition import TaskFile
from suite.tasks.metric_checks import label_words
from suite.tasks.templates import Render, Row, Unfit, as_text, checked, field_or_template


class Texts:
    """The templates of a task file. All methods raise Unfit for a row that they do not fit."""

    def __init__(self, task: TaskFile, fields: Iterable[str]) -> None:
        """`fields` are the fields of the rows: a template that is only a field's name means that field."""
        config, known = task.config, frozenset(fields)
        self._question = _of(config.get("doc_to_text", ""), known)
        self._target = _of(config.get("doc_to_target", ""), known, answers=True)
        given = config.get("doc_to_choice")
        self._choices = None if given is None else _of(given, known)
        self._own_choices = isinstance(given, str)
        self._before = {key: _of(config[key], known) for key in ("description", "gen_prefix") if config.get(key)}
        self._labels = label_words(config)

    def before(self, key: str, row: Row) -> str:
        """The `description` before a row's prompt, or the `gen_prefix` after it; empty if the task has none."""
        render = self._before.get(key)
        return "" if render is None else as_text(render(row))

    def question(self, row: Row) -> str | int:
        """The document's own prompt; or the index of the right choice if choices are whole prompts (as in
        winogrande)."""
        value = self._question(row)
        return value if self._is_place(value, row) else as_text(value)

    def _is_place(self, value: Any, row: Row) -> bool:
        """Whether a number instead of a question is the index of the right choice, because choices are whole prompts.

        The choices then belong to the row, and the target, which follows each of them, is not a choice.
        """
        if not self._own_choices or type(value) is not int:
            return False
        choices = self.choices(row) or []
        if not 0 <= value < len(choices) or any(_is_choice(each, choices) for each in self._several(row)):
            return False
        _only(choices[value], [text for place, text in enumerate(choices) if place != value])
        return True

    def choices(self, row: Row) -> list[str] | None:
        """The choices; None for a task without choices."""
        if self._choices is None:
            return None
        value = self._choices(row)
        if isinstance(value, str):
            try:
                value = ast.literal_eval(value)
            except (SyntaxError, ValueError):
                raise Unfit(f"gives no list of choices, but the text '{value[:40]}'") from None
        if isinstance(value, Mapping):
            value = list(value.values())
        if not isinstance(value, Sequence) or not value:
            raise Unfit("gives no list of choices")
        if any(isinstance(each, (list, tuple, Mapping)) for each in value):
            raise Unfit("gives choices that are no texts, but lists")
        choices = [as_text(checked(each)) for each in value]
        if not all(each.strip() for each in choices):
            raise Unfit("gives an empty choice")
        return choices

    def target(self, row: Row) -> str | int | list[str] | list[int]:
        """The right answer for lm-eval: the index of a choice or a text, or a list of these."""
        found: Any = self.references(row) if self._written(row) else self.places(row)
        return list(found) if isinstance(self._target(row), (list, tuple)) else found[0]

    def shown(self, row: Row) -> str | int:
        """The right answer that an exemplar shows: the first one."""
        found = self.target(row)
        return self.references(row)[0] if isinstance(found, list) else found

    def places(self, row: Row) -> tuple[int, ...]:
        """The indices of the right choices."""
        choices = self.choices(row)
        assert choices is not None, "the task has choices"
        found = tuple(_place(each, choices) for each in self._several(row))
        if len(set(choices)) < len(choices):
            for each in found:
                _only(choices[each], [text for place, text in enumerate(choices) if place not in found])
        return found

    def references(self, row: Row) -> tuple[str, ...]:
        """The right answers, at least one and none blank; the first one is used in training and exemplars."""
        choices = self.choices(row)
        if choices is not None and not self._written(row):
            return tuple(choices[place] for place in self.places(row))
        found = tuple(self._reference(each) for each in self._several(row))
        if any(not each.strip() for each in found):
            raise Unfit("gives an empty answer")
        return found

    def _written(self, row: Row) -> bool:
        """Whether the right answer is a separate text: there are no choices, or they are whole prompts."""
        return self._choices is None or (self._own_choices and isinstance(self.question(row), int))

    def _several(self, row: Row) -> tuple[Any, ...]:
        value = self._target(row)
        several = tuple(value) if isinstance(value, (list, tuple)) else (value,)
        if not several:
            raise Unfit("gives no answer (an empty list)")
        for each in several:
            if isinstance(checked(each), (Mapping, list, tuple, set)):
                raise Unfit(f"gives a {type(each).__name__} as an answer, not a text")
        return several

    def _reference(self, value: Any) -> str:
        """An answer as text; one that stands for a label is written as the task lists it."""
        found = as_label(value, self._labels) if self._labels else None
        return as_text(value) if found is None else found


def fields_of(rows: Sequence[Row]) -> frozenset[str]:
    """All fields of the rows."""
    return frozenset().union(*rows[:1], *rows[1:])


def _of(given: Any, fields: frozenset[str], *, answers: bool = False) -> Render:
    """A function from a row to the value of a task file's key: a template, a field, or a constant."""
    return field_or_template(given, fields, answers=answers) if isinstance(given, str) else lambda row: given


def _digits(value: Any) -> bool:
    return isinstance(value, str) and value.isascii() and value.isdecimal()


def _is_choice(value: Any, choices: Sequence[str]) -> bool:
    """Whether a target can be one of the choices, or the index of one."""
    return not isinstance(value, str) or _digits(value) or as_label(value, choices) is not None


def _only(right: str, wrong: Sequence[str]) -> None:
    """Raises Unfit if a right choice is also a wrong one: the model could choose either."""
    if right in wrong:
        raise Unfit(f"gives the choice '{right[:40]}', which stands more than once among the choices")


def _place(value: Any, choices: Sequence[str]) -> int:
    """The index of the right choice, given as an index or a text. Raises Unfit if it is neither or ambiguous."""
    if isinstance(value, str) and value in choices:
        return choices.index(value)
    label = as_label(value, choices)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    number = isinstance(value, int) and not isinstance(value, bool)
    if number or _digits(value):
        place = int(value)
        if 0 <= place < len(choices):
            if label is not None and choices.index(label) != place:
                what = f"gives {value}, which is a choice itself and the place of the choice '{choices[place]}'"
                raise Unfit(f"{what}: `{{{{FIELD | string}}}}` is the one, `{{{{CHOICES[FIELD]}}}}` the other")
            return place
    if label is not None:
        return choices.index(label)
    if isinstance(value, bool) and len(choices) == 2:
        return int(value)
    shown = ", ".join(choices)
    raise Unfit(f"gives '{value}', which is none of the {len(choices)} choices ({shown[:80]})")
