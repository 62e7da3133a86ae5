"""Means with intervals, each saying what its spread is over. Pure arithmetic."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from scipy.special import stdtrit

Over = Literal["documents", "seeds", "documents and seeds"]
Z95 = 1.959963984540054
"""The normal distribution's quantile of 97.5%."""


@dataclass(frozen=True)
class Estimate:
    """A mean and half the width of its 95% interval (None: it could not be estimated)."""

    value: float
    half_width: float | None
    over: Over
    """What the interval's spread is over: a sample of documents, of seeds, or of both."""

    @property
    def low(self) -> float | None:
        """The lower end."""
        return None if self.half_width is None else self.value - self.half_width

    @property
    def high(self) -> float | None:
        """The upper end."""
        return None if self.half_width is None else self.value + self.half_width


def over_documents(value: float, stderr: float | None, n: int | None = None) -> Estimate:
    """One seed's score (0 to 100) with the interval that its n documents give.

    Where all documents score alike, at 0 or 100, the spread says nothing; the width is then that of Wilson's interval.
    """
    if stderr == 0 and n and value in (0.0, 100.0):
        return Estimate(value, 100 * Z95**2 / (n + Z95**2), "documents")
    return Estimate(value, None if stderr is None else Z95 * stderr, "documents")


def over_seeds(values: Sequence[float]) -> Estimate:
    """The mean of two or more seeds' scores with Student's t interval. It knows nothing of the choice of documents."""
    if len(values) < 2:
        raise ValueError("an interval over seeds needs two seeds")
    quantile = float(stdtrit(len(values) - 1, 0.975))
    mean = statistics.fmean(values)
    stdev = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1))
    return Estimate(mean, quantile * stdev / math.sqrt(len(values)), "seeds")


def mean_of_tasks(stderrs: Sequence[float | None]) -> float | None:
    """The standard error of the plain mean of independent scores; None if one of theirs is missing."""
    known = [stderr for stderr in stderrs if stderr is not None]
    if not stderrs or len(known) < len(stderrs):
        return None
    return math.sqrt(math.fsum(stderr**2 for stderr in known)) / len(known)


def of_difference(first: float | None, second: float | None) -> float | None:
    """The standard error of the difference of two independent numbers; None if one of theirs is missing."""
    return None if first is None or second is None else math.hypot(first, second)


def standard_error(values: Sequence[float]) -> float | None:
    """The standard error of a mean, from the sample's own spread (n − 1); None for fewer than two values."""
    return statistics.stdev(values) / math.sqrt(len(values)) if len(values) > 1 else None


def share_stderr(share: float, n: int) -> float | None:
    """The standard error of a share of n independent trials; None where there was none."""
    return math.sqrt(share * (1 - share) / n) if n else None


def first_of_the_best(scores: Sequence[float]) -> int:
    """The place of the highest of some scores; of equal ones the first."""
    return max(range(len(scores)), key=scores.__getitem__)
