"""Exact tests, corrections for multiple tests, power, and the effect of choosing the best of many."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from suite.stats.special import bdtr, gammaln, ndtr, stdtr, stdtrit

ALPHA: Final = 0.05
"""The accepted rate of false positives; intervals are at 95 %."""
POWER: Final = 0.8
"""The power of the minimum detectable effect."""


def mcnemar(won: Any, lost: Any) -> Any:
    """The exact two-sided p of McNemar's test. `won` documents only the first has right, `lost` only the second.

    Numbers or arrays.
    """
    total = np.add(won, lost)
    return np.where(total > 0, np.minimum(1.0, 2 * bdtr(np.minimum(won, lost), np.maximum(total, 1), 0.5)), 1.0)[()]


def p_text(p: float) -> str:
    """A p-value as printed: three digits, and never a plain zero."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def holm(values: Sequence[float | None]) -> tuple[float | None, ...]:
    """p-values corrected so that the probability of any false positive among them stays that of one test (Holm, 1979).

    Values that were not tested stay None and do not count.
    """
    tested = sorted((value, index) for index, value in enumerate(values) if value is not None)
    corrected: list[float | None] = [None] * len(values)
    worst = 0.0
    for order, (value, index) in enumerate(tested):
        worst = max(worst, min(1.0, value * (len(tested) - order)))
        corrected[index] = worst
    return tuple(corrected)


@dataclass(frozen=True)
class Spread:
    """A value's standard error, in two parts: from documents and from seeds.

    The tails are Student's, with each part's own degrees of freedom, mixed by the parts' shares of the variance.
    (Satterthwaite's single number of degrees of freedom, estimated from the same few seeds, makes intervals too narrow
    if seeds agree by chance.)
    """

    documents: float
    """Standard error from the choice of documents."""
    seeds: float | None
    """Standard error from the choice of seeds; None for one seed, which cannot show it."""
    documents_freedom: float
    seeds_freedom: float

    @property
    def stderr(self) -> float:
        """The standard error of both parts together."""
        return math.hypot(self.documents, self.seeds or 0.0)

    def p(self, value: float) -> float:
        """The probability of a value at least this far from zero if the true value is zero (two-sided)."""
        if not self.stderr:
            return 1.0 if value == 0 else 0.0
        return float(mixed_p(abs(value) / self.stderr, self._share, self.documents_freedom, self.seeds_freedom))

    def quantile(self, tail: float) -> float:
        """Upper-tail quantile, in standard errors."""
        return float(mixed_quantile(tail, self._share, self.documents_freedom, self.seeds_freedom))

    @property
    def _share(self) -> float:
        return (self.seeds or 0.0) ** 2 / self.stderr**2


def mixed_p(t: Any, share: Any, documents_freedom: Any, seeds_freedom: Any) -> Any:
    """Two-sided p of t standard errors; `share` of their variance comes from seeds. Numbers or arrays."""
    return 2 * ((1 - share) * stdtr(documents_freedom, -t) + share * stdtr(seeds_freedom, -t))


def mixed_quantile(tail: float, share: Any, documents_freedom: Any, seeds_freedom: Any) -> Any:
    """Upper-tail quantile at `tail` (below a half), in standard errors; numbers or arrays."""
    freedoms = np.asarray(documents_freedom, dtype=np.float64), np.asarray(seeds_freedom, dtype=np.float64)
    quantile = np.minimum(*(stdtrit(freedom, 1 - tail) for freedom in freedoms))
    quantile = np.where(np.asarray(share) > 0, quantile, stdtrit(freedoms[0], 1 - tail))
    # Above zero the tail is convex, so Newton steps from below never overshoot the root.
    for _ in range(50):
        above = mixed_p(quantile, share, *freedoms) / 2
        slope = (1 - share) * _density(quantile, freedoms[0]) + share * _density(quantile, freedoms[1])
        step = np.maximum(above - tail, 0.0) / slope
        quantile = quantile + step
        if np.all(step <= 1e-12 * quantile):
            break
    return quantile[()]


def _density(t: Any, freedom: Any) -> Any:
    """Student's density."""
    v = np.minimum(freedom, 1e6)  # beyond that, the normal density
    log = gammaln((v + 1) / 2) - gammaln(v / 2) - np.log(v * np.pi) / 2
    return np.exp(log - (v + 1) / 2 * np.log1p(t * t / v))


def lead_by_chance(n: int) -> float:
    """How many standard errors the best of n equal rows lies above their common mean, on average, by chance alone."""
    if n < 2:
        return 0.0
    grid = np.linspace(-8.0, 8.0, 4000)  # an even number: the integrand jumps at 0
    below = ndtr(grid) ** n
    return float(np.sum(np.where(grid > 0, 1 - below, -below)) * (grid[1] - grid[0]))
