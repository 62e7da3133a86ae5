"""A sum of scores with signs (`a - b`, say), its interval and its test, over the documents and seeds they share.

Documents are resampled in pairs, the same ones for all scores and all seeds; seeds are a sample of a few, for which
Student's t stands: resampling three seeds, too, gives intervals of "95%" that hold the truth less than 90% of the time
(tests/stats/test_coverage.py). Tasks are fixed: nothing is said of tasks that are not there.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from suite.stats.estimate import Estimate, Over
from suite.stats.sample import Numbers
from suite.stats.significance import ALPHA, POWER, Spread


@dataclass(frozen=True, eq=False)
class Part:
    """What one task adds to a contrast: its value for each seed, and its variance over documents."""

    values: Numbers
    """One for each seed."""
    common: float
    """Variance over documents of the mean over seeds."""
    single: float
    """The same of one seed, on average."""
    documents: int

    @classmethod
    def of_pulls(cls, values: Numbers, pulls: Numbers, documents: int, one: float) -> Part:
        """From pulls (seeds × documents or draws), those of the terms already added up.

        `one` is what one document can add. No sample shows that two models never differ, so the variance is at least
        that of one document among n + 2.
        """
        least = (one / (documents + 2)) ** 2
        mean = pulls.mean(axis=0)
        single = max(float((pulls**2).sum()) / len(pulls), least)
        return cls(values, min(max(float(mean @ mean), least), single), single, documents)

    @classmethod
    def of_stderrs(cls, values: Numbers, stderrs: Numbers, documents: int) -> Part:
        """Where documents have no scores to pair: wider than it need be, as if terms and documents were unrelated."""
        variance = float((stderrs**2).mean())
        return cls(values, variance, variance, documents)


@dataclass(frozen=True)
class Contrast:
    """The value of a sum of scores, and what is known of it."""

    value: float
    spread: Spread
    documents: int
    """Documents in common, over all tasks."""
    seeds: int
    half_width: float
    """Of the 95% interval."""
    p: float
    """How likely a value so far from zero would be if the truth were zero; exact (McNemar) where that applies."""
    resolvable: float
    """The true difference that would be found four times out of five, if another sample of as many documents and seeds
    spread as this one does."""

    @property
    def low(self) -> float:
        """The interval's lower end."""
        return self.value - self.half_width

    @property
    def high(self) -> float:
        """The interval's upper end."""
        return self.value + self.half_width

    @property
    def estimate(self) -> Estimate:
        """The value with its interval."""
        over: Over = "documents" if self.spread.seeds is None else "documents and seeds"
        return Estimate(self.value, self.half_width, over)


def contrast(parts: Sequence[Part], exact: float | None = None) -> Contrast:
    """Add up the tasks' parts, which have the same seeds.

    `exact` is the exact p of a difference in right answers (McNemar), which holds for one seed.
    """
    totals = np.sum([part.values for part in parts], axis=0)
    spread = spread_of(parts)
    value = float(totals.mean())
    beyond = spread.quantile(ALPHA / 2) if spread.stderr else 0.0
    found = spread.quantile(1 - POWER) if spread.stderr else 0.0
    return Contrast(
        value=value,
        spread=spread,
        documents=sum(part.documents for part in parts),
        seeds=len(totals),
        half_width=beyond * spread.stderr,
        p=spread.p(value) if exact is None or len(totals) > 1 else exact,
        resolvable=(beyond + found) * spread.stderr,
    )


def spread_of(parts: Sequence[Part]) -> Spread:
    """What the sum of the tasks' parts varies with."""
    totals = np.sum([part.values for part in parts], axis=0)
    common, single = (math.fsum(getattr(part, name) for part in parts) for name in ("common", "single"))
    uncertain = math.fsum(part.common**2 / max(part.documents - 1, 1) for part in parts)
    freedom = common**2 / uncertain if uncertain else math.inf
    seeds = len(totals)
    if seeds == 1:
        return Spread(math.sqrt(common), None, freedom, 1.0)
    # what seeds differ by only as each has its own luck with the documents is in `common` already
    luck = (single - common) / (seeds - 1)
    between = max(float(totals.var(ddof=1)) / seeds - luck, 0.0)
    return Spread(math.sqrt(common), math.sqrt(between), freedom, seeds - 1.0)
