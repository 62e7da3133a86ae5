"""Read the answer from an output: a task's filters as functions of one text, without lm-eval."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from suite.core.errors import SuiteError
from suite.core.extraction import json_field, last_number
from suite.core.labels import first_label, named_label
from suite.core.latex import stated
from suite.tasks.definition import TaskFile
from suite.tasks.templates import Row
from suite.tasks.text import UNPARSABLE, cut

Read = Callable[[str, Row], str]
Make = Callable[..., Callable[[str], Any]]

NO_FILTER: Final = "none"
"""lm-eval's name of the pipeline of a task without filters."""


def readers(task: TaskFile, *, chat: bool = False) -> dict[str, Read]:
    """The filter pipelines of a task file by name, in order, for answers to a `chat` or to plain text.

    Raises SuiteError for a filter with invalid options.
    """
    delimiter = _delimiter(task, chat=chat)
    given = task.config.get("filter_list") or ()
    pipelines = {str(each["name"]): [_step(task, step) for step in each["filter"]] for each in given}
    pipelines = pipelines or {NO_FILTER: []}
    return {name: partial(_read, delimiter=delimiter, steps=steps) for name, steps in pipelines.items()}


def written(task: TaskFile, reference: str, *, chat: bool = False) -> str:
    """The output of a model that gives this answer: after the target delimiter, and up to a stop string."""
    # as lm-eval, which sets an answer off from a prefix only where neither has white space
    blank = (chat or bool(task.config.get("gen_prefix"))) and reference[:1].isspace()
    output = reference if blank else _delimiter(task, chat=chat) + reference
    for stop in (task.config.get("generation_kwargs") or {}).get("until") or ():
        output = output.partition(stop)[0]
    return output


def new_tokens(settings: Mapping[str, Any]) -> int:
    """The tokens that an answer may have, by any of the names that lm-eval has for it."""
    names = ("max_gen_toks", "max_new_tokens", "max_tokens", "max_completion_tokens")
    return int(next((settings[name] for name in names if settings.get(name) is not None), 256))


def _delimiter(task: TaskFile, *, chat: bool) -> str:
    """The text between a prompt and its answer; a prefix of the answer (`gen_prefix`) is part of the prompt.

    In a chat it is a space, which some templates have there (Mistral's).
    """
    return " " if chat or task.config.get("gen_prefix") else str(task.config.get("target_delimiter", " "))


def _read(output: str, row: Row, *, delimiter: str, steps: list[Callable[[Any, Row], Any]]) -> str:
    """The answer in an output; `UNPARSABLE` if a filter finds none."""
    found: Any = output.removeprefix(delimiter)
    if found[:1].isspace() and delimiter.isspace():
        found = output  # an indented program, or an answer that begins with its own white space
    for step in steps:
        found = step(found, row)
    return UNPARSABLE if found is None else str(found)


def _step(task: TaskFile, given: Mapping[str, Any] | str) -> Callable[[Any, Row], Any]:
    given = {"function": given} if isinstance(given, str) else given
    name = str(given["function"])
    options = {key: value for key, value in given.items() if key != "function"}
    make = FILTERS.get(name)
    if make is None:
        return _of_lm_eval(name, options, str(task.path))
    try:
        read = make(**options)
    except (TypeError, re.error) as error:  # an unknown option, or an invalid regular expression
        what = f"filter_list: {name} cannot be made of its options ({str(error).rpartition('>() ')[2]})"
        raise SuiteError(what, where=str(task.path), fix="check its options") from error
    return lambda text, row: read(text)


def _of_lm_eval(name: str, options: Mapping[str, Any], where: str) -> Callable[[Any, Row], Any]:
    """A rarely used filter of lm-eval, which takes seconds to import."""

    def step(text: Any, row: Row) -> Any:
        import lm_eval.filters  # noqa: F401
        from lm_eval.api.registry import get_filter

        try:
            (answers,) = get_filter(name)(**options).apply([[text]], [dict(row)])
            return next(iter(answers), None)
        except Exception as error:  # an option or a row may make it raise anything
            said = f"{type(error).__name__}: {error}".splitlines()[0]
            raise SuiteError(f"filter_list: {name} fails ({said})", where=where, fix="check its options") from error

    return step


def _regex(regex_pattern: str = r"#### (\-?[0-9\.\,]+)", group_select: int = 0, fallback: str = UNPARSABLE) -> Any:
    """As in lm-eval: the selected match; of several groups, the first non-empty one."""
    pattern = re.compile(regex_pattern)
    if type(group_select) is not int or not isinstance(fallback, str):
        raise TypeError("`group_select` is a whole number, `fallback` a text")

    def read(text: str) -> str:
        found = pattern.findall(text)
        if not -len(found) <= group_select < len(found):
            return fallback
        match = found[group_select]
        if isinstance(match, tuple):
            match = next((each for each in match if each), fallback)
        return str(match).strip()

    return read


def _map(mapping_dict: Mapping[str, Any] | None = None, default_value: Any = None) -> Any:
    if not isinstance(mapping_dict or {}, Mapping):
        raise TypeError("`mapping_dict` is a mapping")
    return lambda text: (mapping_dict or {}).get(text, default_value)


def _of_labels(read: Callable[..., str | None]) -> Make:
    return lambda labels, ignore_case=True: lambda text: read(text, labels, ignore_case=ignore_case)


def _one(text: Any) -> Any:
    """Return the text: the first or most frequent of one answer is that answer."""
    return text


FILTERS: Final[Mapping[str, Make]] = {
    "cut_answer": lambda prefix="", **options: lambda text: cut(text, prefix, **options),
    "first_label": _of_labels(first_label),
    "named_label": _of_labels(named_label),
    "stated": lambda marker="": lambda text: stated(text, marker),
    "last_number": lambda: last_number,
    "json_field": lambda field: lambda text: json_field(text, field),
    "regex": _regex,
    "remove_whitespace": lambda: str.strip,
    "lowercase": lambda: str.lower,
    "uppercase": lambda: str.upper,
    "map": _map,
    "take_first": lambda: _one,
    "take_first_k": lambda k: _one,
    "majority_vote": lambda: _one,
}
"""Filters of one text by name: options -> function from a text to what is read."""
