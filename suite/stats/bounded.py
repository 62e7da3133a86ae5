"""Intervals of scores on a bounded scale, such as 0 to 100. All such scores use the same method.

Documents: the exact binomial interval (Clopper and Pearson) at an effective number of right or wrong answers. With that
number, the binomial is as uncertain as the documents' scores (Korn and Graubard, 1998). For n answers that are right or
wrong, this is the exact interval of a share. Graded scores, clusters and means over tasks have another effective
number. Seeds: Student's t over the seeds' logits, with Cox's term for the mean of a skewed distribution. Both are
combined on the logit scale (MOVER; Zou and Donner, 2008). An interval contains its score and never leaves the scale.
tests/stats/test_bounded.py measures its coverage.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from suite.stats.sample import Numbers
from suite.stats.significance import ALPHA
from suite.stats.special import betaincinv, expit, logit, stdtrit

TAIL = ALPHA / 2


@dataclass(frozen=True, eq=False)
class Scores:
    """Many scores over the same number of seeds, each on its own scale.

    All fields except `values` have one number for each score.
    """

    values: Numbers
    """Shape (scores, seeds)."""
    variance: Numbers
    """Variance over documents of the mean over seeds."""
    within_seed: Numbers
    """The part of `variance` that differs from seed to seed, and therefore also shows in the seeds' spread."""
    freedom: Numbers
    """Degrees of freedom of `variance`."""
    documents: Numbers
    """The effective number of documents, used if all scores are equal."""
    low: Numbers
    """The scale's lower end."""
    high: Numbers


def intervals(scores: Scores) -> tuple[Numbers, Numbers]:
    """The lower and upper ends of the 95 % intervals."""
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
    # if graded scores spread little, their variance is itself estimated from few documents
    certainty = stdtrit(np.maximum(answers - 1, 1), 1 - TAIL) / stdtrit(np.maximum(freedom, 1), 1 - TAIL)
    return exact(share, answers * np.minimum(certainty, 1.0) ** 2)


def exact(share: Numbers, answers: Numbers) -> tuple[Numbers, Numbers]:
    """The exact binomial interval of a share of right or wrong answers; neither number needs to be an integer."""
    right, wrong = np.maximum(share * answers, 1e-300), np.maximum((1 - share) * answers, 1e-300)
    low = np.where(share > 0, betaincinv(right, wrong + 1, TAIL), 0.0)
    high = np.where(share < 1, betaincinv(right + 1, wrong, 1 - TAIL), 1.0)
    return low, high


def _over_seeds(
    shares: Numbers, ends: tuple[Numbers, Numbers], within_seed: Numbers, documents: Numbers
) -> tuple[Numbers, Numbers]:
    """Documents' intervals, widened by the variation between seeds.

    Shares of 0 and 1 hold for all seeds and are not widened.
    """
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
        tail = np.where(sign * (share - 0.5) < 0, skew, 0.0)  # the side on which a seed may be far away
        seed = t**2 * (spread / seeds + tail)
        with np.errstate(invalid="ignore"):
            both = np.sqrt(reach**2 * (1 - within_seed) + np.maximum(reach**2 * within_seed, seed))
        moved = expit(middle + sign * np.where(np.isinf(reach), np.inf, both))
        bounds.append(np.where(inside, moved, end))
    return bounds[0], bounds[1]
