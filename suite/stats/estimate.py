"""Means with intervals; each states what its interval is over. Pure arithmetic."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from suite.stats.bounded import Scores, intervals
from suite.stats.special import stdtrit

Over = Literal["documents", "seeds", "documents and seeds"]
Scale = tuple[float, float]
"""The smallest and the largest possible value."""
UNBOUNDED: Scale = (-math.inf, math.inf)
PERCENT: Scale = (0.0, 100.0)
NOTHING = 1e-12
"""A variance that is too small to widen an interval."""
MINUS = "\N{MINUS SIGN}"
ALIKE = 0.1
"""An interval is written with ± if its sides differ by at most this share of the wider one."""


@dataclass(frozen=True)
class Estimate:
    """A mean and the ends of its 95 % interval (None: it could not be estimated)."""

    value: float
    low: float | None
    high: float | None
    over: Over
    """What the interval covers: the choice of documents, of seeds, or of both."""

    @classmethod
    def even(cls, value: float, half: float | None, over: Over, scale: Scale = UNBOUNDED) -> Estimate:
        """A symmetric interval, cut at the ends of the scale."""
        if half is None:
            return cls(value, None, None, over)
        return cls(value, *within(value, half, scale), over)

    @property
    def half(self) -> float | None:
        """The wider side, for ±, if both sides are about equal. None: show both ends, or there is no interval."""
        if self.low is None or self.high is None:
            return None
        sides = self.value - self.low, self.high - self.value
        return max(sides) if max(sides) - min(sides) <= ALIKE * max(sides) else None

    @property
    def reach(self) -> float:
        """The largest distance from zero of the value and its interval's ends."""
        return max(abs(end) for end in (self.value, self.low, self.high) if end is not None)


def estimate_text(estimate: Estimate, *, sign: bool = False) -> str:
    """``81.3 ± 2.1``, or ``99.6 [97.8, 100.0]`` if the sides of the interval differ."""
    value = _number(estimate.value, sign=sign)
    if estimate.low is None or estimate.high is None:
        return value
    if estimate.half is not None:
        return f"{value} ± {estimate.half:.1f}"
    return f"{value} [{_number(estimate.low, sign=sign)}, {_number(estimate.high, sign=sign)}]"


def _number(value: float, *, sign: bool) -> str:
    """One decimal, with a true minus sign and no minus zero."""
    text = f"{abs(value):.1f}"
    return text if float(text) == 0 else f"{MINUS if value < 0 else '+' * sign}{text}"


def within(value: float, half: float, scale: Sequence[float]) -> tuple[float, float]:
    """The ends of a symmetric interval, cut at the ends of the scale."""
    return min(value, max(value - half, scale[0])), max(value, min(value + half, scale[1]))


def over_seeds(values: Sequence[float], n: int = 0, scale: Scale = UNBOUNDED) -> Estimate:
    """The mean of the scores of two or more seeds with Student's t interval. It ignores the choice of documents.

    On a bounded scale the interval is computed on logits; `n` is the number of documents behind each score. If all
    seeds agree on a bounded scale, there is no interval.
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
    """The index of the highest score; of equal ones the first."""
    return max(range(len(scores)), key=scores.__getitem__)
