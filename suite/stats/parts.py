"""What one task adds to a sum of scores: its values, their variance over documents, and the scale that they are on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from suite.stats.estimate import UNBOUNDED, Scale
from suite.stats.sample import Numbers


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
    least: float = 0.0
    """What the variance of a difference is taken to be at least: no sample shows that two models never differ."""
    equivalent: float | None = None
    """How many documents of equal weight they come to; None: as many as they are."""
    scale: Scale = UNBOUNDED
    """The least and the most that the values can be."""

    @classmethod
    def of_influence(
        cls, values: Numbers, influence: Numbers, documents: int, one: float, *, equivalent: float | None = None,
        scale: Scale = UNBOUNDED,
    ) -> Part:  # fmt: skip
        """From influence (seeds × documents or draws), where terms are already added up.

        `one` is what one document can add.
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
        """Where documents have no scores to pair: wider than it need be, as if terms and documents were unrelated."""
        variance = float((stderrs**2).mean())
        return cls(values, variance, variance, documents, 0.0, equivalent, scale)


@dataclass(frozen=True, eq=False)
class Parts:
    """What one task adds to each of many contrasts over the same number of seeds."""

    values: Numbers
    """Contrasts × seeds."""
    common: Numbers
    """For each contrast, as all below."""
    single: Numbers
    documents: Numbers
    least: Numbers
    equivalent: Numbers
    low: Numbers
    high: Numbers

    @classmethod
    def of(cls, *parts: Part) -> Parts:
        """Of some contrasts of one task each."""
        numbers = [
            (part.common, part.single, part.documents, part.least,
             part.documents if part.equivalent is None else part.equivalent, *part.scale)
            for part in parts
        ]  # fmt: skip
        return cls(np.array([part.values for part in parts]), *np.array(numbers, dtype=np.float64).T)

    @classmethod
    def joined(cls, parts: Sequence[Parts]) -> Parts:
        """Contrasts of the first, then those of the next ones."""
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in cls.__dataclass_fields__))

    def weighted(self, weight: float) -> Parts:
        """The same times a weight."""
        squared = weight**2
        return Parts(
            self.values * weight, self.common * squared, self.single * squared, self.documents, self.least * squared,
            self.equivalent, self.low * weight, self.high * weight,
        )  # fmt: skip


def least_variance(one: float, documents: float) -> float:
    """The variance of one document among n + 2, each of which can add `one`."""
    return (one / (documents + 2)) ** 2


def at_least(common: Any, single: Any, least: Any) -> tuple[Any, Any]:
    """Variances that are not below what is known at all: numbers or arrays."""
    single = np.maximum(single, least)
    return np.minimum(np.maximum(common, least), single), single
