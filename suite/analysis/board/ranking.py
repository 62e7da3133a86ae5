"""Ranks rows that learned the same targets by what they keep: corrected tests, rank intervals, the spread of draws."""

from __future__ import annotations

import statistics
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from suite import stats
from suite.analysis.board.learning import asked_alike, comparable, contenders, learning_of, tested
from suite.analysis.board.row_samples import RowSamples
from suite.analysis.board.schema import BASELINE, Learning, Row
from suite.core.board_terms import LEARNED_SHARE
from suite.stats import Contrast, Rank

Key = TypeVar("Key", bound=Hashable)


def with_ranking(made: Sequence[RowSamples], learned_share: float = LEARNED_SHARE) -> list[Row]:
    """The rows, in the same order, with the fields that depend on other rows.

    `learned_share`: the share of the best gain that a row needs to have learned its targets.
    """
    corrected = _corrected(made, [member.row.against for member in made])
    corrected_gains = _corrected(made, [member.row.gained for member in made])
    learned = _learning(made, corrected_gains, learned_share)
    ranks = _ranks(made, learned)
    draws = _draws(made)
    rows: list[Row] = []
    for index, member in enumerate(made):
        rank, among = ranks.get(index, (None, 0))
        variation = {
            count: None if parts is None else replace(parts, draws=draws.get((member.draw[0], count)))
            for count, parts in member.row.variation.items()
        }
        ranked = replace(member.row, rank=rank, contenders=among, learning=learned[index])
        tested_gains = {target: corrected_gains[index].get(target) for target in member.row.gained}
        rows.append(replace(ranked, corrected=corrected[index], corrected_gains=tested_gains, variation=variation))
    return rows


def _corrected(
    made: Sequence[RowSamples], changes: Sequence[Mapping[Key, Contrast | None]]
) -> list[Mapping[Key, float | None]]:
    """Holm's correction over all changes of rows that share their targets. `changes`: those of each row.

    Changes that are zero by construction are not tested and have None.
    """
    corrected: list[dict[Key, float | None]] = [dict.fromkeys(of_row) for of_row in changes]
    for indices in _tables(made):
        keys = [(index, key) for index in indices for key in changes[index]]
        contrasts = [changes[index][key] for index, key in keys]
        tests = stats.holm([contrast.p if contrast and contrast.spread.stderr else None for contrast in contrasts])
        for (index, key), p in zip(keys, tests, strict=True):
            corrected[index][key] = p
    return list(corrected)


def _learning(
    made: Sequence[RowSamples], corrected_gains: Sequence[Mapping[str, float | None]], learned_share: float
) -> list[Learning | None]:
    """What each row learned beside those with the same targets; None for the pretrained model."""
    by_index: dict[int, Learning | None] = {}
    for indices in _tables(made):
        rows, gains = [made[index] for index in indices], [corrected_gains[index] for index in indices]
        by_index |= zip(indices, learning_of(rows, gains, learned_share), strict=True)
    return [by_index.get(index) for index in range(len(made))]


def _ranks(made: Sequence[RowSamples], learned: Sequence[Learning | None]) -> dict[int, tuple[Rank, int]]:
    """Index of a row -> (its rank, number of ranked rows): by what is kept, among rows that learned their targets.

    Only rows with the same questions are ranked together.
    """
    ranks: dict[int, tuple[Rank, int]] = {}
    for indices in _tables(made):
        standings = {index: own.standing for index in indices if (own := learned[index]) is not None}
        learners = [index for index, standing in standings.items() if standing != "did not learn"]
        alike = asked_alike([index for index in learners if comparable(made[index].row)], made)
        ranked = [index for index in alike if standings[index] == "learned"]
        if ranked:
            compared = [made[index].held_out for index in ranked]
            of_ranked = stats.ranks(contenders(compared), *tested(compared))
            ranks |= {index: (rank, len(ranked)) for index, rank in zip(ranked, of_ranked, strict=True)}
    return ranks


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
