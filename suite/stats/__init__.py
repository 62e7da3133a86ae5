"""Statistics of scores, pure: estimates, paired contrasts, exact tests, corrections, ranks."""

from suite.stats.contrast import Contrast, Part, Parts, at_least, contrast, contrasts, estimates, spread_of
from suite.stats.estimate import (
    Estimate,
    first_of_the_best,
    mean_of_tasks,
    of_difference,
    over_documents,
    over_seeds,
    share_stderr,
    standard_error,
)
from suite.stats.ranks import Contender, Rank, ranks
from suite.stats.sample import Sample, sample_of_bleu, sample_of_values
from suite.stats.significance import ALPHA, POWER, Spread, holm, lead_by_luck, mcnemar, p_text

__all__ = [
    "ALPHA",
    "POWER",
    "Contender",
    "Contrast",
    "Estimate",
    "Part",
    "Parts",
    "Rank",
    "Sample",
    "Spread",
    "at_least",
    "contrast",
    "contrasts",
    "estimates",
    "first_of_the_best",
    "holm",
    "lead_by_luck",
    "mcnemar",
    "mean_of_tasks",
    "of_difference",
    "over_documents",
    "over_seeds",
    "p_text",
    "ranks",
    "sample_of_bleu",
    "sample_of_values",
    "share_stderr",
    "spread_of",
    "standard_error",
]
