"""Statistics of scores, as pure functions: estimates, paired contrasts, exact tests, corrections, ranks."""

from suite.stats.contrast import Contrast, contrast, contrasts, estimates, of_stderrs, spread_of
from suite.stats.estimate import (
    PERCENT,
    UNBOUNDED,
    Estimate,
    Scale,
    estimate_text,
    first_of_the_best,
    over_seeds,
)
from suite.stats.parts import Part, Parts, least_variance
from suite.stats.ranks import Contender, Rank, ranks, shown_gaps
from suite.stats.sample import Clusters, Sample, equivalent, sample_of_counts, sample_of_values
from suite.stats.scales import on_scale, scale_of
from suite.stats.significance import ALPHA, POWER, Spread, holm, lead_by_chance, mcnemar, p_text

__all__ = [
    "ALPHA",
    "PERCENT",
    "POWER",
    "UNBOUNDED",
    "Clusters",
    "Contender",
    "Contrast",
    "Estimate",
    "Part",
    "Parts",
    "Rank",
    "Sample",
    "Scale",
    "Spread",
    "contrast",
    "contrasts",
    "equivalent",
    "estimate_text",
    "estimates",
    "first_of_the_best",
    "holm",
    "lead_by_chance",
    "least_variance",
    "mcnemar",
    "of_stderrs",
    "on_scale",
    "over_seeds",
    "p_text",
    "ranks",
    "sample_of_counts",
    "sample_of_values",
    "scale_of",
    "shown_gaps",
    "spread_of",
]
