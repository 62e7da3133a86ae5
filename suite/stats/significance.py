"""Exact tests, corrections for many tests, power, and what choosing the best of many does to a number."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from scipy.special import bdtr, ndtr, stdtr

ALPHA: Final = 0.05
"""The share of wrong verdicts that is accepted; intervals are of 95%."""
POWER: Final = 0.8
"""How surely a difference is to be found, where the text says that it could be."""


def mcnemar(won: int, lost: int) -> float:
    """The exact two-sided p of McNemar's test: documents that one alone has right, and the other alone."""
    return min(1.0, 2 * float(bdtr(min(won, lost), won + lost, 0.5))) if won + lost else 1.0


def holm(values: Sequence[float | None]) -> tuple[float | None, ...]:
    """p values corrected so that the chance of any false alarm among them stays what it is for one (Holm, 1979).

    What was not tested stays None and does not count.
    """
    known = sorted((value, place) for place, value in enumerate(values) if value is not None)
    found: list[float | None] = [None] * len(values)
    worst = 0.0
    for order, (value, place) in enumerate(known):
        worst = max(worst, min(1.0, value * (len(known) - order)))
        found[place] = worst
    return tuple(found)


@dataclass(frozen=True)
class Spread:
    """What a value's standard error is made of: a part from documents, and one from seeds.

    The tails are Student's, of each part's own freedom, mixed by the parts' shares of the variance. (Satterthwaite's
    single freedom, estimated from the same few seeds, makes intervals too narrow where they agree by chance.)
    """

    documents: float
    """Standard error from the choice of documents."""
    seeds: float | None
    """The same from the choice of seeds; None for one seed, which cannot tell."""
    documents_freedom: float
    seeds_freedom: float

    @property
    def stderr(self) -> float:
        """Of both."""
        return math.hypot(self.documents, self.seeds or 0.0)

    def p(self, value: float) -> float:
        """How likely a value so far from zero would be if the truth were zero (two-sided)."""
        if not self.stderr:
            return 1.0 if value == 0 else 0.0
        return float(mixed_p(abs(value) / self.stderr, self._share, self.documents_freedom, self.seeds_freedom))

    def quantile(self, tail: float) -> float:
        """So many standard errors lie below all but a share `tail` of values."""
        low, high = 0.0, 1e6
        for _ in range(60):
            middle = (low + high) / 2
            above = mixed_p(middle, self._share, self.documents_freedom, self.seeds_freedom) / 2
            low, high = (middle, high) if above > tail else (low, middle)
        return high

    @property
    def _share(self) -> float:
        return (self.seeds or 0.0) ** 2 / self.stderr**2


def mixed_p(t: Any, share: Any, documents_freedom: Any, seeds_freedom: Any) -> Any:
    """Two-sided p of t standard errors, `share` of whose variance comes from seeds; numbers or arrays."""
    return 2 * ((1 - share) * stdtr(documents_freedom, -t) + share * stdtr(seeds_freedom, -t))


def lead_by_luck(n: int) -> float:
    """How many standard errors the best of n equal ones lies above their common mean, on average, by chance alone."""
    if n < 2:
        return 0.0
    grid = np.linspace(-8.0, 8.0, 4000)  # an even number: the integrand jumps at 0
    below = ndtr(grid) ** n
    return float(np.sum(np.where(grid > 0, 1 - below, -below)) * (grid[1] - grid[0]))
