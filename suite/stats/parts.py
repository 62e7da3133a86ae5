"""The contribution of one task to a sum of scores: its values, their variance over documents, and their scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from suite.stats.estimate import UNBOUNDED, Scale
from suite.stats.sample import Numbers


@dataclass(frozen=True, eq=False)
class Part:
    """The contribution of one task to a contrast: its value for each seed, and its variance over documents."""

    values: Numbers
    """One for each seed."""
    common: float
    """Variance over documents of the mean over seeds."""
    single: float
    """Variance over documents of one seed's value, averaged over seeds."""
    documents: int
    least: float = 0.0
    """The lower bound on the variance of a difference: no sample shows that two models never differ."""
    equivalent: float | None = None
    """The effective number of documents with equal weight; None: the number of documents."""
    scale: Scale = UNBOUNDED
    """The smallest and the largest possible value."""

    @classmethod
    def of_influence(
        cls, values: Numbers, influence: Numbers, documents: int, one: float, *, equivalent: float | None = None,
        scale: Scale = UNBOUNDED,
    ) -> Part:  # fmt: skip
        """From influence, shape (seeds, documents or draws), with terms already summed.

        `one` is the most that one document can change the value by.
        """
        mean = influence.mean(axis=0)
        least = least_variance(one, documents if equivalent is None else equivalent)
        common, single = float(mean @ mean), float((influence**2).sum() / len(influence))
        return cls(values, common, single, documents, least, equivalent, scale)

    @classmethod
    def of_stderrs(
        cls, values: Numbers, stderrs: Numbers, documents: int, *, equivalent: float | None = None,
        scale: Scale = UNBOUNDED,
    ) -> Part:  # fmt: skip
        """From standard errors, if documents have no scores to pair.

        Wider than necessary: treats terms and documents as independent.
        """
        variance = float((stderrs**2).mean())
        return cls(values, variance, variance, documents, 0.0, equivalent, scale)


@dataclass(frozen=True, eq=False)
class Parts:
    """The contributions of one task to many contrasts over the same number of seeds."""

    values: Numbers
    """Shape (contrasts, seeds)."""
    common: Numbers
    """One for each contrast, like all fields below."""
    single: Numbers
    documents: Numbers
    least: Numbers
    equivalent: Numbers
    low: Numbers
    high: Numbers

    @classmethod
    def of(cls, *parts: Part) -> Parts:
        """The parts of several contrasts, each with one task."""
        numbers = [
            (part.common, part.single, part.documents, part.least,
             part.documents if part.equivalent is None else part.equivalent, *part.scale)
            for part in parts
        ]  # fmt: skip
        return cls(np.array([part.values for part in parts]), *np.array(numbers, dtype=np.float64).T)

    @classmethod
    def joined(cls, parts: Sequence[Parts]) -> Parts:
        """The contrasts of all these parts, one after the other."""
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in cls.__dataclass_fields__))

    def weighted(self, weight: float) -> Parts:
        """The parts times a weight."""
        squared = weight**2
        return Parts(
            self.values * weight, self.common * squared, self.single * squared, self.documents, self.least * squared,
            self.equivalent, self.low * weight, self.high * weight,
        )  # fmt: skip


def least_variance(one: float, documents: float) -> float:
    """The variance from one document among n + 2, if it can change the value by `one`."""
    return (one / (documents + 2)) ** 2


def at_least(common: Any, single: Any, least: Any) -> tuple[Any, Any]:
    """Variances, raised to the lower bound `least`; numbers or arrays."""
    single = np.maximum(single, least)
    return np.minimum(np.maximum(common, least), single), single
