"""Where a row stands among those of its targets: corrected tests, ranks with intervals, spread between draws."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from suite import stats
from suite.analysis.board.rows import Made
from suite.analysis.board.schema import BASELINE, Row
from suite.stats import Contender, Rank


def with_standing(made: Sequence[Made]) -> list[Row]:
    """The rows, in the same order, with what depends on the others."""
    corrected = _corrected(made)
    ranks = _ranks(made)
    draws = _draws(made)
    rows: list[Row] = []
    for place, each in enumerate(made):
        rank, contenders = ranks.get(place, (None, 0))
        variation = {
            count: None if known is None else replace(known, draws=draws.get((each.draw[0], count)))
            for count, known in each.row.variation.items()
        }
        rows.append(
            replace(each.row, corrected=corrected[place], rank=rank, contenders=contenders, variation=variation)
        )
    return rows


def _corrected(made: Sequence[Made]) -> list[Mapping[int, float | None]]:
    """Holm's correction over all changes that the rows of the same targets show, at every shot count.

    What is zero by construction is not tested, and has none.
    """
    found: list[dict[int, float | None]] = [dict.fromkeys(each.row.against) for each in made]
    for places in _tables(made):
        keys = [(place, count) for place in places for count in made[place].row.against]
        tested = [made[place].row.against[count] for place, count in keys]
        for (place, count), p in zip(
            keys, stats.holm([each.p if each and each.spread.stderr else None for each in tested]), strict=True
        ):
            found[place][count] = p
    return list(found)


def _ranks(made: Sequence[Made]) -> dict[int, tuple[Rank, int]]:
    """Place of a row -> its rank, and among how many; only rows that were asked the same are ranked together."""
    found: dict[int, tuple[Rank, int]] = {}
    for places in _tables(made):
        able = [place for place in places if made[place].tasks and not made[place].row.missing
                and not made[place].row.changes]  # fmt: skip
        if not able:
            continue
        usual, _ = Counter(made[place].asked for place in able).most_common(1)[0]
        ranked = [place for place in able if made[place].asked == usual]
        tasks = made[ranked[0]].tasks
        least = sum(stats.least_variance(task.one, task.equivalent) for task in tasks)
        documents = sum(task.documents for task in tasks)
        given = stats.ranks(_contenders([made[place] for place in ranked]), documents, least)
        found |= {place: (rank, len(ranked)) for place, rank in zip(ranked, given, strict=True)}
    return found


def _contenders(rows: Sequence[Made]) -> list[Contender]:
    """The rows as they are ranked; a task is paired by document where every row's documents have scores."""
    widths = [{None if each is None else each.shape[1] for each in influence}
              for influence in zip(*([task.influence for task in row.tasks] for row in rows), strict=True)]  # fmt: skip
    paired = [None not in width and len(width) == 1 for width in widths]
    return [_contender(row, paired) for row in rows]


def _contender(made: Made, paired: Sequence[bool]) -> Contender:
    values = np.sum([task.values for task in made.tasks], axis=0)
    influence = [np.zeros((len(values), 0))]
    alone = 0.0
    for task, by_document in zip(made.tasks, paired, strict=True):
        if by_document and task.influence is not None:
            influence.append(task.influence)
        else:
            alone += float((task.stderrs**2).mean())
    return Contender(made.seeds, values, np.concatenate(influence, axis=1), alone)


def _draws(made: Sequence[Made]) -> dict[tuple[str, int], float]:
    """(Settings, shots) -> its standard deviation between exemplar draws, where there are several."""
    values: dict[tuple[str, int], dict[int, float]] = {}
    for each in made:
        name, draw = each.draw
        for count, average in each.row.norm_avg.items():
            if average and count:
                values.setdefault((name, count), {})[draw] = average.value
    return {key: statistics.stdev(found.values()) for key, found in values.items() if len(found) > 1}


def _tables(made: Sequence[Made]) -> list[list[int]]:
    """The places of the rows that share their targets, the pretrained model aside."""
    groups: dict[tuple[str, ...], list[int]] = {}
    for place, each in enumerate(made):
        if each.row.method != BASELINE:
            groups.setdefault(each.row.targets, []).append(place)
    return list(groups.values())
