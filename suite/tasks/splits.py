"""The three uses of a task's rows: training, exemplars and reporting; and the exemplar draw."""

from __future__ import annotations

from collections.abc import Set
from random import Random

from suite.core.errors import SuiteError
from suite.tasks.data import DataLocations, Row, Rows, rows
from suite.tasks.definition import TaskFile
from suite.tasks.identity import identified


def training_rows(task: TaskFile, locations: DataLocations) -> Rows:
    """The rows to train on. Raises SuiteError if the task has none."""
    if task.training_split is None:
        raise SuiteError(f"task '{task.name}' has no training split", where=str(task.path), fix="choose another target")
    return rows(task, task.training_split, locations)


def reported_rows(task: TaskFile, locations: DataLocations) -> Rows:
    """The rows that are scored."""
    return rows(task, task.reported_split, locations)


def exemplar_rows(task: TaskFile, locations: DataLocations) -> Rows:
    """The rows to draw exemplars from. Raises SuiteError if the task has no such split."""
    if task.exemplar_split is None:
        raise SuiteError(
            f"task '{task.name}' has no rows for exemplars beside the reported ones",
            where=str(task.path),
            fix="name some: `metadata: {splits: {exemplars: …}}`",
        )
    return rows(task, task.exemplar_split, locations)


def draw_exemplars(
    task: TaskFile, locations: DataLocations, shots: int, draw: int, besides: Set[str] = frozenset()
) -> tuple[Row, ...]:
    """The exemplars that all documents share; they depend only on task, shots, draw and rows.

    A row whose question is reported, or is in `besides`, is never drawn.
    """
    if shots == 0:
        return ()
    candidates = exemplar_rows(task, locations)
    asked = identified(task, reported_rows(task, locations)).places.keys() | besides
    named = zip(candidates.docs, identified(task, candidates).questions, strict=True)
    pool = [row for row, question in named if question not in asked]
    if len(pool) < shots:
        raise SuiteError(f"task '{task.name}' has {len(pool)} rows for exemplars, fewer than {shots} shots")
    return tuple(Random(f"{task.name}/{shots}/{draw}").sample(pool, shots))
