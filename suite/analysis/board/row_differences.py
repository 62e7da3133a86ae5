"""One row minus many others on a task, computed at once: the same numbers as `contrast_of`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from suite import stats
from suite.analysis.board.documents import FULL
from suite.analysis.board.samples import Evaluated
from suite.stats import Clusters, Parts, Scale
from suite.stats.sample import Numbers


@dataclass(frozen=True, eq=False)
class SeedAnswers:
    """A row's answers to a task, seed by seed."""

    steps: tuple[str, ...]
    values: Numbers
    influence: Numbers | None
    """Shape (seeds, documents or draws); None if documents have no scores of their own."""
    variances: Numbers
    means: Numbers | None
    """Documents' scores, averaged over seeds; None if documents have no scores that can be compared."""
    binary: bool
    documents: int
    same: Clusters | None
    scale: Scale

    @classmethod
    def of(cls, answers: Sequence[Evaluated]) -> SeedAnswers:
        """From the answers of each seed, all to the same documents."""
        steps = tuple(answer.step.id for answer in answers)
        scores = [answer.scores for answer in answers if answer.scores is not None]
        n, same, scale = answers[0].distinct, answers[0].same, stats.scale_of(answers[0].score.metric)
        if not scores:
            values = np.array([answer.score.value for answer in answers], dtype=np.float64)
            variances = np.array([answer.score.stderr for answer in answers], dtype=np.float64) ** 2
            return cls(steps, values, None, variances, None, False, n, same, scale)
        samples = [answer.whole for answer in answers]
        values, influence = (
            np.array([sample.value for sample in samples]),
            np.array([sample.influence for sample in samples]),
        )
        if scores[0].ndim > 1:
            return cls(steps, values, influence, (influence**2).sum(axis=1), None, False, n, same, scale)
        by_document = scores if same is None else [same.means(of_seed) for of_seed in scores]
        binary = bool(np.isin(by_document, (0.0, FULL)).all())
        return cls(
            steps, values, influence, (influence**2).sum(axis=1), np.mean(by_document, axis=0), binary, n, same, scale
        )


@dataclass(frozen=True, eq=False)
class RowDifferences:
    """One row minus each of several others, on a task."""

    parts: Parts
    exact: Numbers
    """McNemar's p; NaN if the test does not apply."""
    uneven: NDArray[np.bool_]
    """Whether documents have unequal weights because some occur more than once."""
    won: NDArray[np.int64] | None
    lost: NDArray[np.int64] | None


def row_differences(one: SeedAnswers, rows: Sequence[SeedAnswers]) -> RowDifferences:
    """The first row minus each of the others, over the same seeds and documents."""
    values = one.values - np.array([other.values for other in rows])
    # a step that both rows share cancels: it is no evidence for a difference
    distinct = np.array(
        [[mine != theirs for mine, theirs in zip(one.steps, other.steps, strict=True)] for other in rows]
    )
    differs = distinct.any(axis=1)
    equivalent, width = stats.equivalent(one.same, one.documents), one.scale[1] - one.scale[0]
    least = 0.0 if one.influence is None else stats.least_variance(FULL, equivalent)
    documents, full, nothing = (np.full(len(rows), float(value)) for value in (one.documents, equivalent, np.nan))
    sizes_and_limits = (
        documents,
        np.where(differs, least, 0.0),
        full,
        np.full(len(rows), -width),
        np.full(len(rows), width),
    )
    uneven = np.full(len(rows), one.same is not None and bool(np.ptp(one.same.sizes)))
    if one.influence is None:
        variances = one.variances + np.array([other.variances for other in rows])
        common = (variances * distinct).mean(axis=1)
        return RowDifferences(Parts(values, common, common, *sizes_and_limits), nothing, uneven, None, None)
    influence = one.influence - np.array([other.influence for other in rows])
    common, single = (influence.mean(axis=1) ** 2).sum(axis=1), (influence**2).sum(axis=(1, 2)) / len(one.steps)
    parts = Parts(values, common * differs, single * differs, *sizes_and_limits)
    if one.means is None:
        return RowDifferences(parts, nothing, uneven, None, None)
    gaps = one.means - np.array([other.means for other in rows])
    won, lost = (gaps > 1e-6).sum(axis=1), (gaps < -1e-6).sum(axis=1)
    testable = differs & one.binary & np.array([other.binary for other in rows]) & (len(one.steps) == 1)
    return RowDifferences(parts, np.where(testable, stats.mcnemar(won, lost), np.nan), uneven, won, lost)
