"""Means with intervals, each saying what its spread is over. Pure arithmetic."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import stdtrit

from suite.stats.bounded import Scores, intervals

Over = Literal["documents", "seeds", "documents and seeds"]
Scale = tuple[float, float]
"""The least and the most that a number can be."""
UNBOUNDED: Scale = (-math.inf, math.inf)
PERCENT: Scale = (0.0, 100.0)
NOTHING = 1e-12
"""A variance that widens no interval."""
ALIKE = 0.1
"""Both sides of an interval are written as one (±) where they differ by no more than this share of the wider."""


@dataclass(frozen=True)
class Estimate:
    """A mean and the ends of its 95% interval (None: it could not be estimated)."""

    value: float
    low: float | None
    high: float | None
    over: Over
    """What the interval's spread is over: a sample of documents, of seeds, or of both."""

    @classmethod
    def even(cls, value: float, half: float | None, over: Over, scale: Scale = UNBOUNDED) -> Estimate:
        """An interval that reaches as far to both sides, cut where the scale ends."""
        if half is None:
            return cls(value, None, None, over)
        return cls(value, *within(value, half, scale), over)

    @property
    def half(self) -> float | None:
        """The wider side, where both are about alike: what follows ±. None: show both ends, or there are none."""
        if self.low is None or self.high is None:
            return None
        sides = self.value - self.low, self.high - self.value
        return max(sides) if max(sides) - min(sides) <= ALIKE * max(sides) else None

    @property
    def reach(self) -> float:
        """How far from zero the interval, or the value, lies."""
        return max(abs(end) for end in (self.value, self.low, self.high) if end is not None)


def within(value: float, half: float, scale: Sequence[float]) -> tuple[float, float]:
    """The ends of an interval that reaches as far to both sides, cut where the scale ends."""
    return min(value, max(value - half, scale[0])), max(value, min(value + half, scale[1]))


def over_seeds(values: Sequence[float], n: int = 0, scale: Scale = UNBOUNDED) -> Estimate:
    """The mean of two or more seeds' scores with Student's t interval. It knows nothing of the choice of documents.

    Scores on a bounded scale have it on their logits; `n` documents stand behind each. Seeds that agree tell nothing.
    """
    if len(values) < 2:
        raise ValueError("an interval over seeds needs two seeds")
    mean = statistics.fmean(values)
    if all(map(math.isfinite, scale)) and scale[0] <= min(values) and max(values) <= scale[1]:
        low, high = (None, None) if max(values) == min(values) else _ends(values, max(n, 1), scale)
        return Estimate(mean, low, high, "seeds")
    quantile = float(stdtrit(len(values) - 1, 0.975))
    stdev = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1))
    return Estimate.even(mean, quantile * stdev / math.sqrt(len(values)), "seeds", scale)


def _ends(values: Sequence[float], n: int, scale: Scale) -> tuple[float, float]:
    one = np.ones(1)
    scores = Scores(np.array([values]), NOTHING * one, 0 * one, n * one, n * one, scale[0] * one, scale[1] * one)
    low, high = intervals(scores)
    return float(low[0]), float(high[0])


def first_of_the_best(scores: Sequence[float]) -> int:
    """The place of the highest of some scores; of equal ones the first."""
    return max(range(len(scores)), key=scores.__getitem__)
