"""Means with intervals, each saying what its spread is over. Pure arithmetic."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Z95 = 1.959963984540054
T95 = (
    12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060, 2.2622, 2.2281, 2.2010, 2.1788, 2.1604, 2.1448,
    2.1314, 2.1199, 2.1098, 2.1009, 2.0930, 2.0860, 2.0796, 2.0739, 2.0687, 2.0639, 2.0595, 2.0555, 2.0518, 2.0484,
    2.0452, 2.0423,
)  # fmt: skip
"""Student's t at 97.5% for 1 to 30 degrees of freedom; the normal quantile serves beyond."""


@dataclass(frozen=True)
class Estimate:
    """A mean and half the width of its 95% interval (None: it could not be estimated)."""

    value: float
    half_width: float | None
    over: Literal["documents", "seeds"]
    """What the interval's spread is over: a sample of documents, or of seeds."""

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
    quantile = T95[len(values) - 2] if len(values) - 2 < len(T95) else Z95
    return Estimate(statistics.fmean(values), quantile * statistics.stdev(values) / math.sqrt(len(values)), "seeds")


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
