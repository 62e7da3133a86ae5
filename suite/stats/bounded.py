"""Intervals of scores that lie between two ends, 0 and 100 say: one form for all of them.

Documents: the exact binomial interval (Clopper and Pearson) at the number of right or wrong answers that would leave
the score as uncertain as its documents do (Korn and Graubard, 1998). For n answers that are right or wrong this is the
exact interval of a share; graded scores, clusters and means over tasks have another number. Seeds: Student's t over the
seeds' logits, with Cox's term for the mean of a skewed spread. The two are joined on the logit scale (MOVER; Zou and
Donner, 2008). An interval holds its score and never leaves the scale; tests/stats/test_bounded.py has its coverage.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import betaincinv, expit, logit, stdtrit

from suite.stats.sample import Numbers
from suite.stats.significance import ALPHA

TAIL = ALPHA / 2


@dataclass(frozen=True, eq=False)
class Scores:
    """Many scores over the same number of seeds, on their own scales; all but `values` have one number a score."""

    values: Numbers
    """Scores × seeds."""
    variance: Numbers
    """Over documents, of the mean over seeds."""
    within_seed: Numbers
    """The part of it that differs from seed to seed, which shows in the seeds' spread, too."""
    freedom: Numbers
    """Degrees of freedom of `variance`."""
    documents: Numbers
    """How many right or wrong answers would be as certain where all are alike: the documents, or their equivalent."""
    low: Numbers
    """The scale's lower end."""
    high: Numbers


def intervals(scores: Scores) -> tuple[Numbers, Numbers]:
    """The 95% intervals' lower and upper ends."""
    width = scores.high - scores.low
    shares = np.clip((scores.values - scores.low[:, None]) / width[:, None], 0.0, 1.0)
    share = shares.mean(axis=1)
    low, high = _over_documents(share, scores.variance / width**2, scores.freedom, scores.documents)
    if shares.shape[1] > 1:
        low, high = _over_seeds(
            shares, (low, high), scores.within_seed / np.maximum(scores.variance, 1e-300), scores.documents
        )
    low, high = np.minimum(low, share), np.maximum(high, share)
    return scores.low + width * low, scores.low + width * high


def _over_documents(share: Numbers, variance: Numbers, freedom: Numbers, documents: Numbers) -> tuple[Numbers, Numbers]:
    spread = share * (1 - share) * documents / np.maximum(documents - 1, 1)
    answers = documents.copy()
    np.divide(spread, variance, out=answers, where=(variance > 0) & (spread > 0))
    # graded scores that spread little leave a variance that is itself known from few documents
    certainty = stdtrit(np.maximum(answers - 1, 1), 1 - TAIL) / stdtrit(np.maximum(freedom, 1), 1 - TAIL)
    return exact(share, answers * np.minimum(certainty, 1.0) ** 2)


def exact(share: Numbers, answers: Numbers) -> tuple[Numbers, Numbers]:
    """The exact binomial interval of a share of some right or wrong answers; neither need be whole."""
    right, wrong = np.maximum(share * answers, 1e-300), np.maximum((1 - share) * answers, 1e-300)
    low = np.where(share > 0, betaincinv(right, wrong + 1, TAIL), 0.0)
    high = np.where(share < 1, betaincinv(right + 1, wrong, 1 - TAIL), 1.0)
    return low, high


def _over_seeds(
    shares: Numbers, ends: tuple[Numbers, Numbers], within_seed: Numbers, documents: Numbers
) -> tuple[Numbers, Numbers]:
    """Documents' intervals widened by what seeds vary; shares of 0 and 1 are those of all seeds, and stay."""
    seeds = shares.shape[1]
    share, within_seed = shares.mean(axis=1), np.clip(within_seed, 0.0, 1.0)
    smoothed = (shares * documents[:, None] + 0.5) / (documents[:, None] + 1)
    spread = logit(smoothed).var(axis=1, ddof=1)
    skew = (1 - 2 * share) ** 2 * spread**2 / (2 * (seeds - 1))
    t = stdtrit(seeds - 1, 1 - TAIL)
    inside = (share > 0) & (share < 1)
    middle = logit(np.where(inside, share, 0.5))
    bounds = []
    for end, sign in zip(ends, (-1, 1), strict=True):
        reach = np.abs(logit(np.where(inside, end, 0.5)) - middle)
        tail = np.where(sign * (share - 0.5) < 0, skew, 0.0)  # the side on which a seed may lie far off
        seed = t**2 * (spread / seeds + tail)
        with np.errstate(invalid="ignore"):
            both = np.sqrt(reach**2 * (1 - within_seed) + np.maximum(reach**2 * within_seed, seed))
        moved = expit(middle + sign * np.where(np.isinf(reach), np.inf, both))
        bounds.append(np.where(inside, moved, end))
    return bounds[0], bounds[1]
