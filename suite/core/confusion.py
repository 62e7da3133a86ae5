"""if all documents or all answers belong to one class."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Measured:
    """A score with its standard error over documents; None for fewer than two documents."""

    value: float
    stderr: float | None


def counted(size: int, documents: Iterable[tuple[Sequence[int], int | None, int]]) -> Counts:
    """Confusion matrix of documents, each given as (right classes, answered class, count).

    If a document has several right classes, the answered one counts; if none was answered, the first one.
    """
    counts = np.zeros((size, size + 1), dtype=np.int64)
    for right, answered, times in documents:
        row = answered if answered is not None and answered in right else right[0]
        counts[row, size if answered is None else answered] += times
    return counts


def class_f1(counts: Counts) -> Numbers:
    """F1 of each class, 0 to 1; 0 for a class without documents and answers."""
    both = _both(counts)
    return np.divide(2 * np.diagonal(counts), both, out=np.zeros_like(both), where=both > 0)


def macro_f1(counts: Counts) -> Measured:
    """Mean F1 over the classes that have documents or answers, 0 to 1."""
    used = (_both(counts) > 0).astype(float)
    return _mean_f1(counts, used / max(float(used.sum()), 1.0))


def f1_of(counts: Counts, index: int) -> Measured:
    """F1 of one class, 0 to 1."""
    return _mean_f1(counts, np.eye(len(counts))[index])


def matthews(counts: Counts) -> Measured:
    """Matthews correlation for any number of classes, −1 to 1; answers without a class form a class of their own."""
    square = np.vstack([counts, np.zeros(counts.shape[1], dtype=np.int64)]).astype(float)
    total, right = float(square.sum()), float(np.trace(square))
    actual, answered = square.sum(axis=1), square.sum(axis=0)
    shared = right * total - float(actual @ answered)
    spread_actual, spread_answered = total**2 - float(actual @ actual), total**2 - float(answered @ answered)
    if spread_actual <= 0 or spread_answered <= 0:
        return Measured(0.0, None)
    spread = math.sqrt(spread_actual * spread_answered)
    moves: Numbers = total * np.eye(len(square)) + right - answered[:, None] - actual[None, :]
    moves -= shared * ((total - actual[:, None]) / spread_actual + (total - answered[None, :]) / spread_answered)
    return Measured(shared / spread, _stderr(counts, moves[: len(counts)] / spread))


def _both(counts: Counts) -> Numbers:
    """Number of documents plus number of answers of each class."""
    both: Numbers = (counts.sum(axis=1) + counts[:, :-1].sum(axis=0)).astype(float)
    return both


def _mean_f1(counts: Counts, weights: Numbers) -> Measured:
    f1, both = class_f1(counts), _both(counts)
    slopes = np.divide(weights, both, out=np.zeros_like(both), where=both > 0)
    # F1 is 2r/b, so d F1 = (2 dr − F1 db) / b, where b counts a class's documents and answers
    moves = np.zeros(counts.shape)
    moves -= (f1 * slopes)[:, None]
    moves[:, :-1] -= (f1 * slopes)[None, :]
    moves[np.arange(len(counts)), np.arange(len(counts))] += 2 * slopes
    return Measured(float(np.sum(weights * f1)), _stderr(counts, moves))


def _stderr(counts: Counts, moves: Numbers) -> float | None:
    """Delta-method standard error. `moves` is the derivative of the score by the number of documents in each cell."""
    total = int(counts.sum())
    if total < 2:
        return None
    return math.sqrt(float((counts * moves**2).sum()) * total / (total - 1))
