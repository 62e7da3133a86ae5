"""Rows composed from other tasks' rows: each is a prompt of such a task, with the skill that it needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain, zip_longest
from typing import Any

from suite.core.errors import SuiteError
from suite.tasks.definition import TaskFile
from suite.tasks.rendering import Texts, fields_of
from suite.tasks.templates import Unfit

_MADE: dict[tuple[str, str, tuple[str, ...]], tuple[dict[str, Any], ...]] = {}
_KEPT = 16
"""Number of cached compositions; a plan needs the same one many times."""

Docs = Callable[[TaskFile], tuple[Sequence[Mapping[str, Any]], str]]
"""Function from a task to its rows to use, and their hash."""


def compose(task: TaskFile, split: str, docs: Docs) -> tuple[dict[str, Any], ...]:
    """The `{question, skill}` rows of a split of a task with `metadata.made_of`, alternating between skills.

    Raises SuiteError if a task's template does not fit its rows.
    """
    found = {skill: [(source, *docs(source)) for source in sources] for skill, sources in task.sources[split].items()}
    key = (task.fingerprint, split, tuple(name for each in found.values() for _, _, name in each))
    if key not in _MADE:
        while len(_MADE) >= _KEPT:
            _MADE.pop(next(iter(_MADE)))
        by_skill = [_labelled(skill, [(source, rows) for source, rows, _ in each]) for skill, each in found.items()]
        _MADE[key] = tuple(row for row in chain.from_iterable(zip_longest(*by_skill)) if row is not None)
    return _MADE[key]


def _labelled(skill: str, sources: Sequence[tuple[TaskFile, Sequence[Mapping[str, Any]]]]) -> Iterator[dict[str, Any]]:
    """Rows of one skill, alternating between its sources."""
    prompts = [_prompts(source, rows) for source, rows in sources]
    for question in chain.from_iterable(zip_longest(*prompts)):
        if question is not None:
            yield {"question": question, "skill": skill}


def _prompts(source: TaskFile, rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The rows' prompts, as the task asks them."""
    texts = Texts(source, fields_of(rows))
    for row in rows:
        try:
            asked = texts.question(row)
            yield asked if isinstance(asked, str) else (texts.choices(row) or [])[asked]
        except Unfit as error:
            what = f"the template of task '{source.name}' does not fit its rows: doc_to_text {error}"
            raise SuiteError(what, where=str(source.path)) from error
