"""One row less many others on a task, in one reckoning: what `contrast_of` gives for each of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from suite import stats
from suite.analysis.board.documents import FULL
from suite.analysis.board.samples import Answered
from suite.stats import Parts, Same, Scale
from suite.stats.sample import Numbers


@dataclass(frozen=True, eq=False)
class SeedAnswers:
    """A row's answers to a task, seed by seed."""

    steps: tuple[str, ...]
    values: Numbers
    influence: Numbers | None
    """Seeds × documents (or draws); None where documents have no scores of their own."""
    variances: Numbers
    means: Numbers | None
    """Documents' scores, as the mean over seeds; None where they have none that can be counted."""
    binary: bool
    documents: int
    same: Same | None
    scale: Scale

    @classmethod
    def of(cls, answers: Sequence[Answered]) -> SeedAnswers:
        """From a seed's answers each, all to the same documents."""
        steps = tuple(each.step.id for each in answers)
        scores = [each.scores for each in answers if each.scores is not None]
        n, same, scale = answers[0].distinct, answers[0].same, stats.scale_of(answers[0].score.metric)
        if not scores:
            values = np.array([each.score.value for each in answers], dtype=np.float64)
            variances = np.array([each.score.stderr for each in answers], dtype=np.float64) ** 2
            return cls(steps, values, None, variances, None, False, n, same, scale)
        samples = [each.whole for each in answers]
        values, influence = np.array([each.value for each in samples]), np.array([each.influence for each in samples])
        if scores[0].ndim > 1:
            return cls(steps, values, influence, (influence**2).sum(axis=1), None, False, n, same, scale)
        own = scores if same is None else [same.means(each) for each in scores]
        binary = bool(np.isin(own, (0.0, FULL)).all())
        return cls(steps, values, influence, (influence**2).sum(axis=1), np.mean(own, axis=0), binary, n, same, scale)


@dataclass(frozen=True, eq=False)
class Less:
    """One row less each of some others, on a task."""

    parts: Parts
    exact: Numbers
    """McNemar's p; NaN where it does not apply."""
    uneven: NDArray[np.bool_]
    """Whether documents weigh differently, as some are there more than once."""
    won: NDArray[np.int64] | None
    lost: NDArray[np.int64] | None


def less_of(one: SeedAnswers, others: Sequence[SeedAnswers]) -> Less:
    """The first less each of the others, all over the same seeds and documents."""
    values = one.values - np.array([each.values for each in others])
    # a step that both share cancels: it is no evidence of anything
    own = np.array([[mine != theirs for mine, theirs in zip(one.steps, each.steps, strict=True)] for each in others])
    apart = own.any(axis=1)
    equivalent, width = stats.equivalent(one.same, one.documents), one.scale[1] - one.scale[0]
    least = 0.0 if one.influence is None else stats.least_variance(FULL, equivalent)
    documents, full, nothing = (np.full(len(others), float(each)) for each in (one.documents, equivalent, np.nan))
    about = (documents, np.where(apart, least, 0.0), full, np.full(len(others), -width), np.full(len(others), width))
    uneven = np.full(len(others), one.same is not None and bool(np.ptp(one.same.sizes)))
    if one.influence is None:
        variances = one.variances + np.array([each.variances for each in others])
        common = (variances * own).mean(axis=1)
        return Less(Parts(values, common, common, *about), nothing, uneven, None, None)
    influence = one.influence - np.array([each.influence for each in others])
    common, single = (influence.mean(axis=1) ** 2).sum(axis=1), (influence**2).sum(axis=(1, 2)) / len(one.steps)
    parts = Parts(values, common * apart, single * apart, *about)
    if one.means is None:
        return Less(parts, nothing, uneven, None, None)
    gaps = one.means - np.array([each.means for each in others])
    won, lost = (gaps > 1e-6).sum(axis=1), (gaps < -1e-6).sum(axis=1)
    right = apart & one.binary & np.array([each.binary for each in others]) & (len(one.steps) == 1)
    return Less(parts, np.where(right, stats.mcnemar(won, lost), np.nan), uneven, won, lost)
