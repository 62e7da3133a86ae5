"""How sure a number is: intervals over seeds, over documents, and of shares; pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from statistics import NormalDist, fmean, stdev
from typing import Literal

LEVEL = 0.95
Z = NormalDist().inv_cdf((1 + LEVEL) / 2)


@dataclass(frozen=True)
class Interval:
    """Where a number would lie 95 times in 100, were the experiment repeated with other seeds (or other documents)."""

    low: float
    high: float
    source: Literal["seeds", "documents"]
    n: int
    """How many of them there were."""


@dataclass(frozen=True)
class Measured:
    """A number and how sure it is; `interval` is None where nothing is known about that."""

    value: float
    interval: Interval | None = None


def stderr_of_mean(values: Sequence[float]) -> float | None:
    """The standard error of the mean of independent values; None for fewer than two."""
    return stdev(values) / math.sqrt(len(values)) if len(values) > 1 else None


def stderr_of_average(stderrs: Sequence[float | None]) -> float | None:
    """The standard error of the plain average of independent numbers; None when one of theirs is not known."""
    known = [stderr for stderr in stderrs if stderr is not None]
    if not stderrs or len(known) < len(stderrs):
        return None
    return math.sqrt(sum(stderr**2 for stderr in known)) / len(known)


def stderr_of_difference(first: float | None, second: float | None) -> float | None:
    """The standard error of the difference of two independent numbers."""
    return None if first is None or second is None else math.hypot(first, second)


def over_seeds(values: Sequence[float], bounds: tuple[float, float] = (-math.inf, math.inf)) -> Measured:
    """The mean over seeds with its t-interval, cut at the bounds; no interval for a single seed."""
    mean = fmean(values)
    stderr = stderr_of_mean(values)
    if stderr is None:
        return Measured(mean)
    half = t_quantile(len(values) - 1) * stderr
    return Measured(mean, Interval(max(mean - half, bounds[0]), min(mean + half, bounds[1]), "seeds", len(values)))


def over_documents(
    value: float, stderr: float | None, n: int, bounds: tuple[float, float] = (-math.inf, math.inf)
) -> Measured:
    """A number with the normal interval of its standard error over documents, cut at the bounds.

    Where all documents score the least or all score the most that is possible, the standard error is 0 although little
    is known: then it is Wilson's interval for a share of 0 or 1.
    """
    if stderr is None:
        return Measured(value)
    if stderr == 0 and n > 0 and value in bounds:
        low, high = wilson(n if value == bounds[1] else 0, n)
        width = bounds[1] - bounds[0]
        return Measured(value, Interval(bounds[0] + low * width, bounds[0] + high * width, "documents", n))
    low, high = max(value - Z * stderr, bounds[0]), min(value + Z * stderr, bounds[1])
    return Measured(value, Interval(low, high, "documents", n))


def share(successes: int, n: int) -> Measured:
    """A percentage of n documents with Wilson's interval."""
    low, high = wilson(successes, n)
    return Measured(100 * successes / n, Interval(100 * low, 100 * high, "documents", n))


def wilson(successes: int, n: int) -> tuple[float, float]:
    """Wilson's 95% interval for a share of n trials, within [0, 1] (Wilson, JASA 1927)."""
    rate = successes / n
    spread = Z * math.sqrt(rate * (1 - rate) / n + Z**2 / (4 * n**2))
    middle, scale = rate + Z**2 / (2 * n), 1 + Z**2 / n
    return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)


@cache
def t_quantile(freedom: int) -> float:
    """The t such that Student's distribution with so many degrees of freedom has 95% of its mass in [-t, t]."""
    low, high = 0.0, 20.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if _t_mass(middle, freedom) > LEVEL else (middle, high)
    return (low + high) / 2


def _t_mass(t: float, freedom: int) -> float:
    """Student's mass in [-t, t], by the finite sums for whole degrees of freedom (Abramowitz & Stegun 26.7.3-4)."""
    angle = math.atan(t / math.sqrt(freedom))
    sine, cosine = math.sin(angle), math.cos(angle)
    odd = freedom % 2
    term = cosine if odd else 1.0
    total = 0.0
    for power in range(2 + odd, freedom + 1, 2):
        total += term
        term *= cosine**2 * (power - 1) / power
    return 2 / math.pi * (angle + sine * total) if odd else sine * total
