"""Which rows learned their targets: by their share of the best gain, or on the Pareto front of gained and kept.

A row that learned nothing keeps everything, so what is kept ranks only rows that gained nearly the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from suite import stats
from suite.analysis.board.contrasts import TaskInfluence
from suite.analysis.board.row_samples import RowSamples, Samples
from suite.analysis.board.schema import Cell, Learning, Row, Standing
from suite.stats import Contender
from suite.stats.sample import Numbers


def learning_of(
    rows: Sequence[RowSamples], corrected_gains: Sequence[Mapping[str, float | None]], learned_share: float
) -> list[Learning | None]:
    """What each row learned, beside the others. The rows have the same targets.

    `corrected_gains`: for each row, target -> p-value of its gain, corrected for all gains of these rows.
    """
    gains = [_gain(member.row) for member in rows]
    unlearned = [_unlearned(member, tests) for member, tests in zip(rows, corrected_gains, strict=True)]
    learners = [
        index
        for index, member in enumerate(rows)
        if (gains[index] or 0.0) > 0 and len(unlearned[index]) < len(member.row.targets)
    ]
    on_terms = [index for index in learners if comparable(rows[index].row)]
    alike = asked_alike(on_terms, rows)
    best = max((gains[index] or 0.0 for index in alike or on_terms or learners), default=None)
    front = _front(alike, rows)

    def standing(index: int, share: float | None) -> Standing:
        if index not in learners:
            return "did not learn"
        if share is not None and share >= learned_share:
            return "learned"
        return "on the front" if index in front else "learned less"

    learned: list[Learning | None] = []
    for index, gain in enumerate(gains):
        share = gain / best if gain is not None and best else None
        learned.append(None if gain is None else Learning(gain, share, standing(index, share), unlearned[index]))
    return learned


def comparable(row: Row) -> bool:
    """Whether a row is complete and on the track's terms."""
    return not row.missing and not row.changes


def contenders(samples: Sequence[Samples]) -> list[Contender]:
    """The rows as contenders. A task is paired by document if the documents of all rows have scores."""
    by_task = zip(*([task.influence for task in row.tasks] for row in samples), strict=True)
    widths = [{None if matrix is None else matrix.shape[1] for matrix in influence} for influence in by_task]
    paired = [None not in width and len(width) == 1 for width in widths]
    return [_contender(row, paired) for row in samples]


def tested(samples: Sequence[Samples]) -> tuple[int, float]:
    """Number of documents of the rows' tests, and the least variance of a difference."""
    tasks = samples[0].tasks
    return sum(task.documents for task in tasks), sum(stats.least_variance(task.one, task.equivalent) for task in tasks)


def asked_alike(indices: Sequence[int], rows: Sequence[RowSamples]) -> list[int]:
    """The indices of the rows that have the most frequent questions, on their targets and then on the held-out tasks;
    empty if none has samples."""
    targets = _most_frequent(indices, [row.target for row in rows])
    return _most_frequent(targets, [row.held_out for row in rows])


def _most_frequent(indices: Sequence[int], samples: Sequence[Samples]) -> list[int]:
    sampled = [index for index in indices if samples[index].tasks]
    if not sampled:
        return []
    usual, _ = Counter(samples[index].questions for index in sampled).most_common(1)[0]
    return [index for index in sampled if samples[index].questions == usual]


def _gain(row: Row) -> float | None:
    """The mean change of the targets; None if one is not known."""
    changes = [row.gained.get(target) for target in row.targets]
    known = [change.value for change in changes if change is not None]
    return sum(known) / len(known) if known and len(known) == len(changes) else None


def _unlearned(member: RowSamples, corrected_gains: Mapping[str, float | None]) -> tuple[str, ...]:
    """The targets with no gain that is shown, or with a score that is not shown to be above guessing."""
    tasks = {task.key[0]: task for task in member.target.tasks}
    unlearned: list[str] = []
    for cell in member.row.target_scores:
        gain, p = member.row.gained.get(cell.role), corrected_gains.get(cell.role)
        shown = gain is not None and gain.value > 0 and (p is not None and p <= stats.ALPHA)
        if not (shown and _above_guessing(cell, tasks.get(cell.role), len(tasks))):
            unlearned.append(cell.role)
    return tuple(unlearned)


def _above_guessing(cell: Cell, task: TaskInfluence | None, targets: int) -> bool:
    """Whether a score is shown to be above chance and, if it is an accuracy, above answering the majority class.

    The score's own interval is not asked: near an end of the scale it is wide. `task`: the score over `targets`.
    """
    if task is None or cell.score is None:
        return False
    guesses = [] if cell.chance is None else [cell.chance]
    if cell.classes is not None and abs(cell.score.value - cell.classes.accuracy) <= 1e-6:
        guesses.append(cell.classes.majority_share)
    if not guesses:
        return True
    part = task.part
    above = replace(part, values=part.values - max(guesses) / targets, scale=stats.UNBOUNDED)
    difference = stats.contrast([above])
    return difference.value > 0 and difference.p <= stats.ALPHA


def _front(alike: Sequence[int], rows: Sequence[RowSamples]) -> set[int]:
    """The rows, of those that were asked alike, that no other is ahead of in both values and shown to be better than in
    one."""
    if not alike:
        return set()
    kept, kept_shown = _gaps([rows[index].held_out for index in alike])
    gained, gained_shown = _gaps([rows[index].target for index in alike])
    ahead = (kept >= 0) & (gained >= 0)
    better = (kept_shown & (kept > 0)) | (gained_shown & (gained > 0))
    dominated = np.flatnonzero((ahead & better).any(axis=0))
    return {index for at, index in enumerate(alike) if at not in dominated}


def _gaps(samples: Sequence[Samples]) -> tuple[Numbers, NDArray[np.bool_]]:
    return stats.shown_gaps(contenders(samples), *tested(samples))


def _contender(samples: Samples, paired: Sequence[bool]) -> Contender:
    values = np.sum([task.values for task in samples.tasks], axis=0)
    influence = [np.zeros((len(values), 0))]
    alone = 0.0
    for task, by_document in zip(samples.tasks, paired, strict=True):
        if by_document and task.influence is not None:
            influence.append(task.influence)
        else:
            alone += float((task.stderrs**2).mean())
    return Contender(samples.seeds, values, np.concatenate(influence, axis=1), alone)
