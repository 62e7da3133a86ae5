"""Rank intervals from paired comparisons of every two rows (Mogstad et al., 2024)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from suite.stats.sample import Numbers
from suite.stats.significance import ALPHA, mixed_p


@dataclass(frozen=True, eq=False)
class Contender:
    """A row to rank. All rows have the same documents in the same order."""

    seeds: tuple[int, ...]
    """The seeds that the answers depend on; empty if none. Rows with the same seeds are compared seed by seed."""
    values: Numbers
    """One for each seed."""
    influence: Numbers
    """Shape (seeds, documents or draws of documents)."""
    alone: float = 0.0
    """Variance from tasks whose documents have no scores of their own and cannot be paired."""


@dataclass(frozen=True)
class Rank:
    """A rank and its 95 % interval."""

    place: int
    low: int
    high: int
    """The true rank is in low … high with 95 % confidence, for each row separately and not for all rows together."""

    @property
    def below_best(self) -> bool:
        """Whether some row is shown to be better."""
        return self.low > 1


def ranks(rows: Sequence[Contender], documents: int, least: float) -> tuple[Rank, ...]:
    """The rows' ranks by value, the highest first.

    A row's lowest possible rank is 1 + the number of rows shown to be better. Its highest is the number of rows not
    shown to be worse. `least` is the smallest variance of a difference.
    """
    if not rows:
        return ()
    gaps, shown = shown_gaps(rows, documents, least)
    better, worse = (shown & (gaps < 0)).sum(axis=1), (shown & (gaps > 0)).sum(axis=1)
    positions = 1 + (gaps < 0).sum(axis=1)
    return tuple(
        Rank(int(position), 1 + int(above), len(rows) - int(below))
        for position, above, below in zip(positions, better, worse, strict=True)
    )


def shown_gaps(rows: Sequence[Contender], documents: int, least: float) -> tuple[Numbers, NDArray[np.bool_]]:
    """For every two rows, shape (rows, rows): the first's value minus the second's, and whether they are shown to
    differ.

    The tests of one row against all others are corrected by Holm. Of the two corrections of a pair the stricter one
    counts: a row is shown to be better than another if and only if that one is shown to be worse.
    """
    values = np.array([float(row.values.mean()) for row in rows])
    common, between, freedom = _variances(rows, least)
    gaps = values[:, None] - values[None, :]
    variance = common + between
    p = mixed_p(np.abs(gaps) / np.sqrt(variance), between / variance, max(documents - 1, 1), freedom)
    np.fill_diagonal(p, np.inf)
    corrected = _holm_by_row(p)
    return gaps, np.maximum(corrected, corrected.T) <= ALPHA


def _variances(rows: Sequence[Contender], least: float) -> tuple[Numbers, Numbers, Numbers]:
    """For each difference of two rows: variance from documents, from seeds, and the latter's degrees of freedom."""
    alone = np.array([row.alone for row in rows])
    common = np.maximum(
        _distances(np.array([row.influence.mean(axis=0) for row in rows])) + np.add.outer(alone, alone), least
    )
    own = _by_seed(rows)
    between = np.add.outer(own, own)
    counts = np.array([max(len(row.seeds) - 1, 1) for row in rows])
    freedom = np.minimum.outer(counts, counts).astype(np.float64)
    for seeds in dict.fromkeys(row.seeds for row in rows if len(row.seeds) > 1):
        indices = np.array([index for index, row in enumerate(rows) if row.seeds == seeds])
        block = np.ix_(indices, indices)
        count = len(seeds)
        single = sum(_distances(np.array([rows[index].influence[seed] for index in indices])) for seed in range(count))
        by_seed = np.array([rows[index].values for index in indices])
        by_seed = by_seed - by_seed.mean(axis=1, keepdims=True)
        within_seed = np.maximum(single / count - common[block], 0.0) / (count - 1)
        between[block] = np.maximum(_distances(by_seed) / (count - 1) / count - within_seed, 0.0)
        freedom[block] = count - 1
    # a row with one seed has no spread between seeds: the other row's degrees of freedom count
    one = np.array([len(row.seeds) < 2 for row in rows])
    freedom = np.where(np.logical_xor.outer(one, one), np.maximum.outer(counts, counts), freedom)
    return common, between, freedom


def _by_seed(rows: Sequence[Contender]) -> Numbers:
    """Each row's variance from its seeds. A row with a single seed gets the median variance of the other rows."""
    own = np.array([_between(row) for row in rows])
    usual = [len(row.seeds) * variance for row, variance in zip(rows, own, strict=True) if len(row.seeds) > 1]
    single = np.array([len(row.seeds) == 1 for row in rows])
    variances: Numbers = np.where(single, float(np.median(usual)), own) if usual else own
    return variances


def _between(row: Contender) -> float:
    """The variance of a row's mean that comes from its seeds."""
    count = len(row.values)
    if count < 2:
        return 0.0
    mean = row.influence.mean(axis=0)
    within_seed = (float((row.influence**2).sum()) / count - float(mean @ mean)) / (count - 1)
    return max(float(row.values.var(ddof=1)) / count - within_seed, 0.0)


def _distances(points: Numbers) -> Numbers:
    """The squared distance between every two points (rows of the matrix)."""
    squares = (points**2).sum(axis=1)
    distances: Numbers = np.maximum(squares[:, None] + squares[None, :] - 2 * points @ points.T, 0.0)
    return distances


def _holm_by_row(p: Numbers) -> Numbers:
    """Holm's correction within each row; the diagonal is infinite and sorts last."""
    order = np.argsort(p, axis=1, kind="stable")
    factors = np.maximum(p.shape[1] - 1 - np.arange(p.shape[1]), 1)
    ordered = np.maximum.accumulate(np.take_along_axis(p, order, axis=1) * factors, axis=1)
    corrected: Numbers = np.empty_like(p)
    np.put_along_axis(corrected, order, ordered, axis=1)
    return corrected
