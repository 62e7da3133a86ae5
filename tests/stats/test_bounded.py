"""Intervals of bounded scores: simulated over a lattice of levels and documents, and by hand where that is simple."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import scipy.stats
from scipy.special import expit

from suite import stats
from suite.stats import Estimate, Part, Parts
from suite.stats.bounded import Scores, exact, intervals
from suite.stats.sample import Numbers

LEVELS = (0.002, 0.012, 0.03, 0.07, 0.15, 0.3, 0.5, 0.77, 0.904, 0.96, 0.99, 0.997)
"""With the points where the normal form covers least: 0.904 of 32 documents (86%), 0.012 of 256 (85%)."""
DOCUMENTS = (8, 16, 32, 64, 128, 256, 1000)
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(61)


def logit_of(level: float, spread: float) -> float:
    """Where seeds or documents, that spread so on the logits, have this level on average."""
    low, high = -60.0, 60.0
    for _ in range(60):
        middle = (low + high) / 2
        found = (expit(middle + spread * NODES) * WEIGHTS).sum() / WEIGHTS.sum()
        low, high = (middle, high) if found < level else (low, middle)
    return (low + high) / 2


def ends(answers: Numbers) -> tuple[Numbers, Numbers]:
    """Of answers (worlds × seeds × documents, 0 to 1): what the board shows, for all worlds at once."""
    worlds, _, n = answers.shape
    influence = (answers - answers.mean(axis=2, keepdims=True)) * 100 / np.sqrt(n * (n - 1))
    common, single = (influence.mean(axis=1) ** 2).sum(axis=1), (influence**2).sum(axis=2).mean(axis=1)
    one = np.ones(worlds)
    parts = Parts(100 * answers.mean(axis=2), common, single, n * one, stats.least_variance(100.0, n) * one, n * one,
                  0 * one, 100 * one)  # fmt: skip
    found = stats.estimates([parts])
    assert all(each.low is not None and each.high is not None for each in found)
    return np.array([each.low for each in found]), np.array([each.high for each in found])


def coverage(level: float, n: int, seeds: int, by_seed: float, by_document: float, worlds: int) -> float:
    rng = np.random.default_rng([n, seeds, round(1000 * level), round(10 * by_seed), round(10 * by_document)])
    logits = logit_of(level, float(np.hypot(by_seed, by_document))) + by_seed * rng.normal(size=(worlds, seeds, 1))
    logits = logits + by_document * rng.normal(size=(worlds, 1, n))
    answers = (rng.random((worlds, seeds, n)) < expit(logits)).astype(np.float64)
    low, high = ends(answers)
    value = 100 * answers.mean(axis=(1, 2))
    assert (low >= 0).all()
    assert (high <= 100).all()
    assert (low <= value + 1e-9).all()
    assert (value <= high + 1e-9).all()
    return float(((low <= 100 * level) & (100 * level <= high)).mean())


@pytest.mark.parametrize("n", DOCUMENTS)
def test_one_seeds_interval_covers_at_every_level(n: int) -> None:
    """Exactly: of right and wrong answers every outcome is known, with its probability."""
    right = np.arange(n + 1)
    low, high = exact(right / n, np.full(n + 1, float(n)))
    levels = np.concatenate([np.linspace(0.0005, 0.9995, 1999), LEVELS])
    held = (low[:, None] <= levels) & (levels <= high[:, None])
    assert float((scipy.stats.binom.pmf(right[:, None], n, levels) * held).sum(axis=0).min()) >= 0.95
    answers = np.tril(np.ones((n + 1, n)), -1)[:, None]  # 0, 1, … of n are right
    assert np.allclose(ends(answers), (100 * low, 100 * high))


@pytest.mark.parametrize("by_document", [0.0, 1.5])
@pytest.mark.parametrize("by_seed", [0.0, 0.5, 1.0])
def test_three_seeds_interval_covers_whether_seeds_differ_or_not(by_seed: float, by_document: float) -> None:
    lattice = [(level, n) for level in LEVELS for n in DOCUMENTS]
    held = {(level, n): coverage(level, n, 3, by_seed, by_document, 100_000 // (n + 150)) for level, n in lattice}
    low = [
        (level, n) for (level, n), share in held.items() if share < 0.93 - 3 * np.sqrt(0.07 / (100_000 // (n + 150)))
    ]
    assert not low
    assert np.mean(list(held.values())) >= 0.95


@pytest.mark.parametrize("count", [2, 3, 5])
@pytest.mark.parametrize(("level", "n"), [(0.012, 1000), (0.02, 1000), (0.03, 256), (0.97, 1000), (0.904, 32)])
def test_a_seed_effect_of_one_logit_is_covered_where_it_is_hardest(level: float, n: int, count: int) -> None:
    worlds = 20_000
    rng = np.random.default_rng(5)
    seeds = expit(logit_of(level, 1.0) + rng.normal(size=(worlds, count)))
    shares = rng.binomial(n, seeds) / n
    own = (shares * (1 - shares)).mean(axis=1) / (n - 1)  # seeds answer independently
    one = np.ones(worlds)
    share = shares.mean(axis=1)
    variance = np.maximum(own / count, np.minimum((1 / (n + 2)) ** 2, share * (1 - share) / (n - 1)))
    low, high = intervals(Scores(shares, variance, own / count, (n - 1) * one, n * one, 0 * one, one))
    assert ((low <= level) & (level <= high)).mean() >= 0.93
    # what it is instead of: Student's t over the seeds, on the scores themselves
    half = scipy.stats.t.ppf(0.975, count - 1) * shares.std(axis=1, ddof=1) / np.sqrt(count)
    assert (np.abs(share - level) <= half).mean() < 0.93


@pytest.mark.parametrize("n", [8, 32, 256])
@pytest.mark.parametrize(("a", "b"), [(1.0, 1.0), (0.3, 3.0), (5.0, 0.2), (20.0, 20.0)])
def test_graded_scores_are_covered_too(a: float, b: float, n: int) -> None:
    answers = np.random.default_rng(6).beta(a, b, (2000, 1, n))
    low, high = ends(answers)
    level = 100 * a / (a + b)
    assert ((low <= level) & (level <= high)).mean() >= 0.93


def test_graded_scores_that_spread_little_have_a_narrow_interval() -> None:
    """Normal scores have Student's t interval, near enough: the bounds are far away."""
    answers = np.random.default_rng(7).normal(0.5, 0.15, (1, 1, 64))
    low, high = ends(answers)
    half = scipy.stats.t.ppf(0.975, 63) * scipy.stats.sem(100 * answers[0, 0])
    assert (high - low)[0] / 2 == pytest.approx(half, rel=0.05)


def mean_of(tasks: Sequence[Numbers]) -> Estimate:
    parts = []
    for answers in tasks:
        sample = stats.sample_of_values(100 * answers)
        one = 100 / len(tasks)
        value, influence = np.array([sample.value / len(tasks)]), sample.influence[None] / len(tasks)
        part = Part.of_influence(value, influence, len(answers), one, scale=(0.0, one))
        parts.append(Parts.of(part))
    return stats.estimates(parts)[0]


def test_a_mean_over_tasks_is_covered_near_its_ends() -> None:
    rng = np.random.default_rng(8)
    for levels in ((0.5, 0.9, 0.99, 1.0), (0.01, 0.02, 0.0, 0.01), (0.99, 0.985, 0.995)):
        found = [mean_of([(rng.random(64) < level).astype(float) for level in levels]) for _ in range(600)]
        truth = 100 * float(np.mean(levels))
        held = [each.low is not None and each.high is not None and each.low <= truth <= each.high for each in found]
        assert np.mean(held) >= 0.93
        assert all(each.low is not None and 0 <= each.low <= each.value for each in found)


def test_a_mean_over_tasks_without_an_error_is_as_sure_as_all_their_documents() -> None:
    found = mean_of([np.ones(40), np.ones(40), np.ones(40)])
    assert found.low == pytest.approx(100 * 0.025 ** (1 / 120))
    assert found.high == 100.0


@pytest.mark.parametrize(("value", "low", "high"), [(100.0, 2.5, 100.0), (0.0, 0.0, 97.5)])
def test_one_document_leaves_nearly_all_open(value: float, low: float, high: float) -> None:
    part = Part(np.array([value]), 0.0, 0.0, 1, 100.0**2, scale=(0.0, 100.0))
    found = stats.estimates([Parts.of(part)])[0]
    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high))


def test_three_seeds_that_agree_are_as_sure_as_their_documents() -> None:
    answers = np.zeros((1, 3, 240))
    low, high = ends(answers)
    assert (low[0], high[0]) == (0.0, pytest.approx(100 * (1 - 0.025 ** (1 / 240))))


def test_a_score_off_its_scale_by_rounding_has_an_interval_and_one_beyond_it_an_even_one() -> None:
    influence = np.full((1, 4), 1.0)
    near, beyond = (
        stats.estimates([Parts.of(Part.of_influence(np.array([value]), influence, 4, 100.0, scale=(0.0, 100.0)))])[0]
        for value in (100.00000000000004, 140.0)
    )
    assert near.low is not None
    assert near.low == pytest.approx(100 * 0.025 ** (1 / 4))
    assert beyond.low is not None
    assert beyond.high == beyond.value  # cut at the value: the scale says that nothing is higher
