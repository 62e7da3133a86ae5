"""A sum of scores with signs (`a - b`, say), its interval and its test, over the documents and seeds they share.

Documents are resampled in pairs, the same ones for all scores and all seeds; seeds are a sample of a few, for which
Student's t stands: resampling three seeds, too, gives intervals of "95%" that hold the truth less than 90% of the time
(tests/stats/test_coverage.py). Tasks are fixed: nothing is said of tasks that are not there.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from suite.stats.estimate import Z95, Estimate, Over
from suite.stats.sample import Numbers
from suite.stats.significance import ALPHA, POWER, Spread, mixed_p, mixed_quantile


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

        `one` is what one document can add.
        """
        mean = pulls.mean(axis=0)
        common, single = at_least(mean @ mean, (pulls**2).sum() / len(pulls), documents, one)
        return cls(values, float(common), float(single), documents)

    @classmethod
    def of_score(cls, values: Numbers, pulls: Numbers, documents: int, one: float) -> Part:
        """The same of scores by themselves, from 0 to `one`.

        Where all documents score alike at an end, the spread says nothing: the variance is then that of Wilson's
        interval.
        """
        if not pulls.any() and np.isin(values, (0.0, one)).all():
            variance = (one * Z95 / (documents + Z95**2)) ** 2
            return cls(values, variance, variance, documents)
        return cls.of_pulls(values, pulls, documents, one)

    @classmethod
    def of_stderrs(cls, values: Numbers, stderrs: Numbers, documents: int) -> Part:
        """Where documents have no scores to pair: wider than it need be, as if terms and documents were unrelated."""
        variance = float((stderrs**2).mean())
        return cls(values, variance, variance, documents)


@dataclass(frozen=True, eq=False)
class Parts:
    """What one task adds to each of many contrasts over the same number of seeds."""

    values: Numbers
    """Contrasts × seeds."""
    common: Numbers
    """For each contrast."""
    single: Numbers
    documents: Numbers

    @classmethod
    def of(cls, *parts: Part) -> Parts:
        """Of some contrasts of one task each."""
        names = ("values", "common", "single", "documents")
        return cls(*(np.array([getattr(part, name) for part in parts], dtype=np.float64) for name in names))


def at_least(common: Any, single: Any, documents: int, one: float) -> tuple[Any, Any]:
    """Variances that are not below what is known at all: numbers or arrays.

    No sample shows that two models never differ, so the variance is at least that of one document among n + 2.
    """
    least = (one / (documents + 2)) ** 2
    single = np.maximum(single, least)
    return np.minimum(np.maximum(common, least), single), single


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
    return contrasts([Parts.of(part) for part in parts], None if exact is None else np.array([exact]))[0]


def contrasts(parts: Sequence[Parts], exact: Numbers | None = None) -> list[Contrast]:
    """The same for many contrasts at once; `exact` is NaN where there is no exact p."""
    added = _Added.of(parts)
    value, spread, stderr, several = added.value, added.spread, added.stderr, added.seeds > 1
    with np.errstate(divide="ignore", invalid="ignore"):
        far = np.where(stderr > 0, np.abs(value) / stderr, 0.0)
    p = np.where(stderr > 0, mixed_p(far, *added.tails), np.where(value == 0, 1.0, 0.0))
    beyond, found = added.quantile(ALPHA / 2), added.quantile(1 - POWER)
    if exact is not None and not several:
        p = np.where(np.isnan(exact), p, exact)
    documents = np.sum([part.documents for part in parts], axis=0)
    columns = (value, spread.documents, spread.seeds, spread.freedom, documents, beyond * stderr, p,
               (beyond + found) * stderr)  # fmt: skip
    seeds, seeds_freedom = added.seeds, spread.seeds_freedom
    return [
        Contrast(
            value, Spread(own, over_seeds if several else None, freedom, seeds_freedom), int(n), seeds, half, p, seen
        )
        for value, own, over_seeds, freedom, n, half, p, seen in zip(
            *(column.tolist() for column in columns), strict=True
        )
    ]


def estimates(parts: Sequence[Parts]) -> list[Estimate]:
    """The values of many contrasts with their intervals alone, as scores have them: these are not tested."""
    added = _Added.of(parts)
    over: Over = "documents and seeds" if added.seeds > 1 else "documents"
    halves = added.quantile(ALPHA / 2) * added.stderr
    return [Estimate(value, half, over) for value, half in zip(added.value.tolist(), halves.tolist(), strict=True)]


def spread_of(parts: Sequence[Part]) -> Spread:
    """What the sum of the tasks' parts varies with."""
    totals = np.sum([part.values for part in parts], axis=0)
    found = _spread_of([Parts.of(part) for part in parts], totals[None])
    seeds = float(found.seeds[0]) if len(totals) > 1 else None
    return Spread(float(found.documents[0]), seeds, float(found.freedom[0]), found.seeds_freedom)


@dataclass(frozen=True, eq=False)
class _Spreads:
    """Spreads of many contrasts."""

    documents: Numbers
    seeds: Numbers
    """Zero for one seed."""
    freedom: Numbers
    seeds_freedom: float


@dataclass(frozen=True, eq=False)
class _Added:
    """The parts of many contrasts, added up."""

    value: Numbers
    spread: _Spreads
    stderr: Numbers
    seeds: int

    @classmethod
    def of(cls, parts: Sequence[Parts]) -> _Added:
        totals = np.sum([part.values for part in parts], axis=0)
        spread = _spread_of(parts, totals)
        return cls(totals.mean(axis=1), spread, np.hypot(spread.documents, spread.seeds), totals.shape[1])

    @cached_property
    def tails(self) -> tuple[Numbers, Numbers, float]:
        """What the tails depend on: seeds' share of the variance, and both freedoms."""
        with np.errstate(divide="ignore", invalid="ignore"):
            share = np.where(self.stderr > 0, self.spread.seeds**2 / self.stderr**2, 0.0)
        return share, self.spread.freedom, self.spread.seeds_freedom

    def quantile(self, tail: float) -> Numbers:
        """How many standard errors lie below all but a share of values; none where nothing varies."""
        found: Numbers = np.where(self.stderr > 0, mixed_quantile(tail, *self.tails), 0.0)
        return found


def _spread_of(parts: Sequence[Parts], totals: Numbers) -> _Spreads:
    common, single = (np.sum([getattr(part, name) for part in parts], axis=0) for name in ("common", "single"))
    uncertain = np.sum([part.common**2 / np.maximum(part.documents - 1, 1) for part in parts], axis=0)
    freedom = np.full(len(common), math.inf)
    np.divide(common**2, uncertain, out=freedom, where=uncertain > 0)
    seeds = totals.shape[1]
    if seeds == 1:
        return _Spreads(np.sqrt(common), np.zeros(len(common)), freedom, 1.0)
    # what seeds differ by only as each has its own luck with the documents is in `common` already
    luck = (single - common) / (seeds - 1)
    between = np.maximum(totals.var(axis=1, ddof=1) / seeds - luck, 0.0)
    return _Spreads(np.sqrt(common), np.sqrt(between), freedom, seeds - 1.0)
