"""What the checks of an experiment's rows found before: equal rows of equal tasks are not checked again.

Only rows without a problem are remembered, in the user's cache. The checks render each row, ask for equal and nearly
equal questions and score the right answers: most of the time of a plan.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Final

from suite.core.code_key import code_key
from suite.core.errors import SuiteError
from suite.core.hashing import fingerprint
from suite.core.user_cache import cached, keep
from suite.models.source import LocatedModel
from suite.specs import Experiment
from suite.tasks.data import DataLocations, Rows
from suite.tasks.data import rows as rows_of
from suite.tasks.definition import TaskFile
from suite.tasks.splits import exemplar_rows, reported_rows, training_rows

CACHED: Final = "checks"
"""The kind of cached values: the notes about an experiment's rows."""


def rows_key(
    experiment: Experiment, trained: Sequence[str], located: LocatedModel | None, data: DataLocations
) -> str | None:
    """A key of all that the checks of an experiment's rows read; `trained` are the roles that are trained on.

    None where the outcome depends on more, as a user's own metric or a sandbox, and where rows are missing.
    """
    tasks = experiment.tasks
    if located is None or any(_depends_on_more(tasks[role]) for role in tasks):
        return None
    few = any(experiment.track.held_out.shots)
    parts: list[object] = [code_key(), located.identity, str(located.folder), experiment.track.model_dump(mode="json")]
    parts += [list(experiment.targets), list(experiment.held_out), list(trained)]
    try:
        for role in trained:
            parts.append(_described(tasks[role], [training_rows(tasks[role], data)]))
        for role in (*experiment.targets, *experiment.held_out):
            used = list(_reported(tasks[role], data, exemplars=few and role in experiment.held_out))
            parts.append(_described(tasks[role], used))
        if experiment.retention is not None:
            parts.append(_described(experiment.retention, [training_rows(experiment.retention, data)]))
    except SuiteError:  # the checks say what is wrong
        return None
    return fingerprint(parts, 32)


def known_notes(key: str | None) -> list[str] | None:
    """The notes about rows that were checked before; None if they were not."""
    before = None if key is None else cached(CACHED, key)
    return None if before is None else json.loads(before)


def remember(key: str | None, notes: Sequence[str]) -> None:
    """Remember that these rows have no problem."""
    if key is not None:
        keep(CACHED, key, json.dumps(notes).encode())


def _depends_on_more(task: TaskFile) -> bool:
    return bool(task.builtin or task.python or task.plugins or task.sources or task.metadata.get("program"))


def _reported(task: TaskFile, data: DataLocations, *, exemplars: bool) -> Iterator[Rows]:
    yield reported_rows(task, data)
    if exemplars:
        yield exemplar_rows(task, data)
    yield from (rows_of(task, split, data) for split in task.further_splits)


def _described(task: TaskFile, used: Sequence[Rows]) -> list[object]:
    """All of a task and of some of its rows that a check or a note depends on."""
    contents = [[rows.content_hash, rows.source, rows.facts.places_hash] for rows in used]
    return [task.name, str(task.path), task.fingerprint, repr(task.config), repr(task.metadata), contents]
