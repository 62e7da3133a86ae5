"""Compares two rows, task by task, over the documents and seeds that they share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from suite import stats
from suite.analysis.board.contrasts import Missing, TaskInfluence, Term, contrast_of, task_influences
from suite.analysis.board.costs import devices_of
from suite.analysis.board.documents import Incomparable
from suite.analysis.board.named import NamedRows
from suite.analysis.board.samples import Evaluated, evaluated
from suite.results.store import ResultsReader
from suite.results.store.experiment_results import ExperimentResults
from suite.stats import Contrast

Members = tuple[ExperimentResults, ...]
"""A row's experiments, one for each seed."""


@dataclass(frozen=True)
class TaskDifference:
    """The first row's score minus the second row's, on one task."""

    role: str
    shots: int
    difference: Contrast | None
    corrected: float | None
    """The p-value, corrected (Holm) for all tasks of the comparison; None if nothing was tested."""
    won: int | None
    """Number of documents on which the first row has the higher mean over seeds; None if documents have no scores."""
    lost: int | None
    why: str = ""
    """The reason if there is no difference."""


@dataclass(frozen=True)
class Comparison:
    """Two rows of a track."""

    track: str
    first: str
    second: str
    tasks: tuple[TaskDifference, ...]
    averages: Mapping[int, Contrast]
    """Shots -> the difference in held-out averages, if both rows have the same tasks."""
    devices: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
    """The classes of devices that computed each row; empty if they are not known."""


def compare(rows: NamedRows, first: str, second: str) -> Comparison:
    """Compare two rows on every task that both were evaluated on. Raises Missing if a row was not run."""
    return compare_rows(rows.store, rows.track, rows.named(first), rows.named(second))


def compare_rows(store: ResultsReader, track: str, one: Members, other: Members) -> Comparison:
    """Like `compare`, for the members of two rows."""
    keys = [key for key in one[0].evaluations() if key in other[0].evaluations()]
    evaluations = evaluated(store, [*one, *other], keys)
    shots = sorted({shots for role, shots in one[0].evaluations() if role in one[0].held_out_roles})
    return Comparison(
        track=track,
        first=one[0].record.name,
        second=other[0].record.name,
        tasks=corrected([difference_of(store, one, other, key, evaluations) for key in keys]),
        averages=averages_of(store, one, other, shots, evaluations),
        devices=(devices_of(one), devices_of(other)),
    )


def corrected(tasks: Sequence[TaskDifference]) -> tuple[TaskDifference, ...]:
    """The differences with Holm's correction over all of them."""
    tested = [task.difference.p if task.difference and task.difference.spread.stderr else None for task in tasks]
    return tuple(replace(task, corrected=p) for task, p in zip(tasks, stats.holm(tested), strict=True))


def difference_of(
    store: ResultsReader, one: Members, other: Members, key: tuple[str, int], evaluations: Mapping[str, Evaluated]
) -> TaskDifference:
    """The difference on one task with its uncorrected p-value, or the reason why there is none."""
    terms = [Term(1.0, one, *key), Term(-1.0, other, *key)]
    try:
        difference = contrast_of(store, terms, evaluations)
        won, lost = _tally(task_influences(store, terms, evaluations)[1][0], key, one, evaluations)
    except (Missing, Incomparable) as reason:
        return TaskDifference(*key, None, None, None, None, str(reason))
    return TaskDifference(*key, difference, None, won, lost)


def _tally(
    task: TaskInfluence, key: tuple[str, int], one: Sequence[ExperimentResults], evaluations: Mapping[str, Evaluated]
) -> tuple[int | None, int | None]:
    """The numbers of distinct documents won and lost. A document's influence is its difference minus the mean."""
    step = one[0].step(*key)
    scores = evaluations[step.id].scores if step and step.id in evaluations else None
    if task.influence is None or scores is None or scores.ndim > 1:
        return None, None
    n, sizes = task.documents, 1.0 if task.same is None else task.same.sizes / task.same.sizes.mean()
    differences = task.influence.mean(axis=0) * np.sqrt(n * max(n - 1, 1)) / sizes + task.values.mean()
    return int((differences > 1e-6).sum()), int((differences < -1e-6).sum())


def averages_of(
    store: ResultsReader, one: Members, other: Members, shot_counts: Sequence[int], evaluations: Mapping[str, Evaluated]
) -> dict[int, Contrast]:
    """Shots -> the difference in held-out averages, if both rows have the same tasks."""
    averages: dict[int, Contrast] = {}
    for shots in shot_counts:
        roles = one[0].held_out(shots)
        if set(roles) != set(other[0].held_out(shots)):
            continue
        terms = [Term(sign / len(roles), row, role, shots) for sign, row in ((1, one), (-1, other)) for role in roles]
        try:
            averages[shots] = contrast_of(store, terms, evaluations)
        except (Missing, Incomparable):
            continue
    return averages
