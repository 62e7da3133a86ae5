"""A signed sum of scores, such as `a - b`: its interval and its test over shared documents and seeds.

Documents are paired: the same ones for all scores and all seeds. Seeds are a small sample and use Student's t.
Resampling three seeds too would give "95%" intervals with less than 90 % coverage (tests/stats/test_coverage.py). Tasks
are fixed: the results say nothing about other tasks.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from suite.stats.bounded import Scores, intervals
from suite.stats.estimate import Estimate, Over, Scale, over_seeds, within
from suite.stats.parts import Part, Parts, at_least
from suite.stats.sample import Numbers
from suite.stats.significance import ALPHA, POWER, Spread, mixed_p, mixed_quantile

ROUNDING = 1e-9
"""How far rounding may carry a sum of scores off its scale."""


@dataclass(frozen=True)
class Contrast:
    """The value of a sum of scores, with its uncertainty."""

    value: float
    spread: Spread
    documents: int
    """Number of shared documents, over all tasks."""
    seeds: int
    low: float
    """The lower end of the 95 % interval."""
    high: float
    """The upper end. Both ends are on the scale."""
    p: float
    """The probability of a value at least this far from zero if the true value is zero; exact (McNemar) if possible."""
    resolvable: float
    """The minimum detectable effect: the true difference that is found with 80 % power.

    Assumes another sample of the same size and spread.
    """

    @property
    def estimate(self) -> Estimate:
        """The value with its interval."""
        over: Over = "documents" if self.spread.seeds is None else "documents and seeds"
        return Estimate(self.value, self.low, self.high, over)


def contrast(parts: Sequence[Part], exact: float | None = None) -> Contrast:
    """The sum of the tasks' parts, which have the same seeds.

    `exact` is the exact p of a difference in right answers (McNemar), which applies to one seed.
    """
    return contrasts([Parts.of(part) for part in parts], None if exact is None else np.array([exact]))[0]


def contrasts(
    parts: Sequence[Parts], exact: Numbers | None = None, uneven: NDArray[np.bool_] | None = None
) -> list[Contrast]:
    """Like `contrast`, for many contrasts at once; `exact` is NaN for contrasts without an exact p.

    `uneven` marks contrasts whose documents have unequal weights. The exact test ignores the weights, so the larger of
    both p-values is used.
    """
    added = _Added.of(parts)
    value, spread, stderr, several = added.value, added.spread, added.stderr, added.seeds > 1
    with np.errstate(divide="ignore", invalid="ignore"):
        distance = np.where(stderr > 0, np.abs(value) / stderr, 0.0)
    p = np.where(stderr > 0, mixed_p(distance, *added.tails), np.where(value == 0, 1.0, 0.0))
    alpha_quantile, power_quantile = added.quantile(ALPHA / 2), added.quantile(1 - POWER)
    if exact is not None and not several:
        larger = exact if uneven is None else np.where(uneven, np.maximum(exact, p), exact)
        p = np.where(np.isnan(exact), p, larger)
    documents = np.sum([part.documents for part in parts], axis=0)
    half = alpha_quantile * stderr
    # near an end, a symmetric interval has too little coverage
    near = added.bounded & (np.minimum(value - added.low, added.high - value) < np.maximum(half, added.width / 8))
    ends = added.ends(half, near, parts)
    detectable = (alpha_quantile + power_quantile) * stderr
    columns = (value, spread.documents, spread.seeds, spread.freedom, documents, p, detectable)
    seeds, seeds_freedom = added.seeds, spread.seeds_freedom
    return [
        Contrast(
            value,
            Spread(own, over_seeds if several else None, freedom, seeds_freedom),
            int(n),
            seeds,
            low,
            high,
            p,
            effect,
        )
        for (low, high), value, own, over_seeds, freedom, n, p, effect in zip(
            ends, *(column.tolist() for column in columns), strict=True
        )
    ]


def estimates(parts: Sequence[Parts]) -> list[Estimate]:
    """Scores and means of scores with their intervals (`suite.stats.bounded`), without tests.

    On an unbounded scale the intervals are symmetric.
    """
    added = _Added.of(parts)
    over: Over = "documents and seeds" if added.seeds > 1 else "documents"
    ends = added.ends(added.quantile(ALPHA / 2) * added.stderr, added.bounded, parts)
    return [Estimate(value, *interval, over) for value, interval in zip(added.value.tolist(), ends, strict=True)]


def of_stderrs(values: Sequence[float], stderrs: Sequence[float | None], documents: float, scale: Scale) -> Estimate:
    """The estimate of one task from its seeds' standard errors; over seeds alone if these are not known.

    Without both there is no interval. `documents` is the effective number of distinct documents with equal weight.
    """
    measured = [stderr for stderr in stderrs if stderr is not None]
    if len(measured) < len(values):
        mean = statistics.fmean(values)
        return (
            over_seeds(values, round(documents), scale) if len(values) > 1 else Estimate(mean, None, None, "documents")
        )
    part = Part.of_stderrs(np.array(values), np.array(measured), round(documents), equivalent=documents, scale=scale)
    return estimates([Parts.of(part)])[0]


def _scores(parts: Sequence[Parts], added: _Added, which: NDArray[np.bool_]) -> Scores:
    """The inputs of the intervals of bounded scores."""
    low, high = added.low[which], added.high[which]
    common, single = (np.sum([getattr(part, name)[which] for part in parts], axis=0) for name in ("common", "single"))
    floored = np.sum([at_least(part.common, np.inf, part.least)[0][which] for part in parts], axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        uncertain = np.sum(
            [part.common[which] ** 2 / np.maximum(part.documents[which] - 1, 1) for part in parts], axis=0
        )
        freedom = np.where(uncertain > 0, common**2 / uncertain, np.inf)
        weights = [(part.high - part.low)[which] / (high - low) for part in parts]
        documents = np.min([np.where(weight > 0, part.equivalent[which] / weight, np.inf)
                            for part, weight in zip(parts, weights, strict=True)], axis=0)  # fmt: skip
    # No score spreads more than right and wrong answers do. Near an end, this limits the floor on the variance.
    most = (added.value[which] - low) * (high - added.value[which]) / np.maximum(documents - 1, 1)
    variance = np.maximum(common, np.minimum(floored, most))
    within_seed = np.maximum(single - common, 0.0) / max(added.seeds - 1, 1)
    return Scores(added.totals[which], variance, within_seed, freedom, documents, low, high)


def spread_of(parts: Sequence[Part]) -> Spread:
    """The variance components of the sum of the tasks' parts."""
    totals = np.sum([part.values for part in parts], axis=0)
    spreads = _spread_of([Parts.of(part) for part in parts], totals[None])
    seeds = float(spreads.seeds[0]) if len(totals) > 1 else None
    return Spread(float(spreads.documents[0]), seeds, float(spreads.freedom[0]), spreads.seeds_freedom)


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
    """The sums of the parts of many contrasts."""

    totals: Numbers
    """Shape (contrasts, seeds)."""
    value: Numbers
    spread: _Spreads
    stderr: Numbers
    seeds: int
    low: Numbers
    """The smallest possible value."""
    high: Numbers

    @classmethod
    def of(cls, parts: Sequence[Parts]) -> _Added:
        totals = np.sum([part.values for part in parts], axis=0)
        spread = _spread_of(parts, totals)
        ends = (np.sum([getattr(part, name) for part in parts], axis=0) for name in ("low", "high"))
        low, high = (np.round(end, 9) for end in ends)  # three thirds of 100 sum to 100
        stderr = np.hypot(spread.documents, spread.seeds)
        return cls(totals, totals.mean(axis=1), spread, stderr, totals.shape[1], low, high)

    @cached_property
    def tails(self) -> tuple[Numbers, Numbers, float]:
        """Parameters of the tails: the seeds' share of the variance, and both degrees of freedom."""
        with np.errstate(divide="ignore", invalid="ignore"):
            share = np.where(self.stderr > 0, self.spread.seeds**2 / self.stderr**2, 0.0)
        return share, self.spread.freedom, self.spread.seeds_freedom

    @cached_property
    def bounded(self) -> NDArray[np.bool_]:
        """The values that have a scale with two ends and are within it."""
        bounded: NDArray[np.bool_] = np.isfinite(self.low) & np.isfinite(self.high) & (self.high > self.low)
        bounded &= self.low <= self.totals.min(axis=1) + ROUNDING
        bounded &= self.totals.max(axis=1) <= self.high + ROUNDING
        return bounded

    @property
    def width(self) -> Numbers:
        """The widths of the scales."""
        width: Numbers = self.high - self.low
        return width

    def ends(self, half: Numbers, which: NDArray[np.bool_], parts: Sequence[Parts]) -> list[tuple[float, float]]:
        """The ends of the intervals: bounded ones for the values in `which`, symmetric ones for all others."""
        scales = np.stack([self.low, self.high], axis=1).tolist()
        intervals_ = [within(*limits) for limits in zip(self.value.tolist(), half.tolist(), scales, strict=True)]
        inside = zip(*(column.tolist() for column in intervals(_scores(parts, self, which))), strict=True)
        for index, interval in zip(np.flatnonzero(which), inside, strict=True):
            intervals_[index] = interval
        return intervals_

    def quantile(self, tail: float) -> Numbers:
        """Upper-tail quantiles, in standard errors; 0 if nothing varies."""
        quantile: Numbers = np.where(self.stderr > 0, mixed_quantile(tail, *self.tails), 0.0)
        return quantile


def _spread_of(parts: Sequence[Parts], totals: Numbers) -> _Spreads:
    variances = [at_least(part.common, part.single, part.least) for part in parts]
    common, single = (np.sum([of_part[index] for of_part in variances], axis=0) for index in (0, 1))
    uncertain = np.sum([of_part[0] ** 2 / np.maximum(part.documents - 1, 1)
                        for of_part, part in zip(variances, parts, strict=True)], axis=0)  # fmt: skip
    freedom = np.full(len(common), math.inf)
    np.divide(common**2, uncertain, out=freedom, where=uncertain > 0)
    seeds = totals.shape[1]
    if seeds == 1:
        return _Spreads(np.sqrt(common), np.zeros(len(common)), freedom, 1.0)
    # `common` already includes the variation between seeds that comes from documents
    within_seed = (single - common) / (seeds - 1)
    between = np.maximum(totals.var(axis=1, ddof=1) / seeds - within_seed, 0.0)
    return _Spreads(np.sqrt(common), np.sqrt(between), freedom, seeds - 1.0)
