"""Ranks rows that share their targets: corrected tests, ranks with intervals, and the spread between exemplar draws."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from suite import stats
from suite.analysis.board.rows import RowSamples
from suite.analysis.board.schema import BASELINE, Row
from suite.stats import Contender, Rank


def with_ranking(made: Sequence[RowSamples]) -> list[Row]:
    """The rows, in the same order, with the fields that depend on other rows."""
    corrected = _corrected(made)
    ranks = _ranks(made)
    draws = _draws(made)
    rows: list[Row] = []
    for index, member in enumerate(made):
        rank, contenders = ranks.get(index, (None, 0))
        variation = {
            count: None if parts is None else replace(parts, draws=draws.get((member.draw[0], count)))
            for count, parts in member.row.variation.items()
        }
        rows.append(
            replace(member.row, corrected=corrected[index], rank=rank, contenders=contenders, variation=variation)
        )
    return rows


def _corrected(made: Sequence[RowSamples]) -> list[Mapping[int, float | None]]:
    """Holm's correction over all changes, at every shot count, of rows that share their targets.

    Changes that are zero by construction are not tested and have None.
    """
    corrected: list[dict[int, float | None]] = [dict.fromkeys(member.row.against) for member in made]
    for indices in _tables(made):
        keys = [(index, count) for index in indices for count in made[index].row.against]
        tested = [made[index].row.against[count] for index, count in keys]
        for (index, count), p in zip(
            keys,
            stats.holm([contrast.p if contrast and contrast.spread.stderr else None for contrast in tested]),
            strict=True,
        ):
            corrected[index][count] = p
    return list(corrected)


def _ranks(made: Sequence[RowSamples]) -> dict[int, tuple[Rank, int]]:
    """Index of a row -> (its rank, number of ranked rows). Only rows with the same questions are ranked together."""
    ranks: dict[int, tuple[Rank, int]] = {}
    for indices in _tables(made):
        eligible = [index for index in indices if made[index].tasks and not made[index].row.missing
                and not made[index].row.changes]  # fmt: skip
        if not eligible:
            continue
        usual, _ = Counter(made[index].questions for index in eligible).most_common(1)[0]
        ranked = [index for index in eligible if made[index].questions == usual]
        tasks = made[ranked[0]].tasks
        least = sum(stats.least_variance(task.one, task.equivalent) for task in tasks)
        documents = sum(task.documents for task in tasks)
        of_ranked = stats.ranks(_contenders([made[index] for index in ranked]), documents, least)
        ranks |= {index: (rank, len(ranked)) for index, rank in zip(ranked, of_ranked, strict=True)}
    return ranks


def _contenders(rows: Sequence[RowSamples]) -> list[Contender]:
    """The rows as contenders. A task is paired by document if the documents of all rows have scores."""
    widths = [{None if matrix is None else matrix.shape[1] for matrix in influence}
              for influence in zip(*([task.influence for task in row.tasks] for row in rows), strict=True)]  # fmt: skip
    paired = [None not in width and len(width) == 1 for width in widths]
    return [_contender(row, paired) for row in rows]


def _contender(made: RowSamples, paired: Sequence[bool]) -> Contender:
    values = np.sum([task.values for task in made.tasks], axis=0)
    influence = [np.zeros((len(values), 0))]
    alone = 0.0
    for task, by_document in zip(made.tasks, paired, strict=True):
        if by_document and task.influence is not None:
            influence.append(task.influence)
        else:
            alone += float((task.stderrs**2).mean())
    return Contender(made.seeds, values, np.concatenate(influence, axis=1), alone)


def _draws(made: Sequence[RowSamples]) -> dict[tuple[str, int], float]:
    """(settings, shots) -> standard deviation of the held-out average between exemplar draws, for several draws."""
    values: dict[tuple[str, int], dict[int, float]] = {}
    for member in made:
        name, draw = member.draw
        for count, average in member.row.norm_avg.items():
            if average and count:
                values.setdefault((name, count), {})[draw] = average.value
    return {key: statistics.stdev(by_draw.values()) for key, by_draw in values.items() if len(by_draw) > 1}


def _tables(made: Sequence[RowSamples]) -> list[list[int]]:
    """The indices of the rows that share their targets, without the pretrained model."""
    groups: dict[tuple[str, ...], list[int]] = {}
    for index, member in enumerate(made):
        if member.row.method != BASELINE:
            groups.setdefault(member.row.targets, []).append(index)
    return list(groups.values())
