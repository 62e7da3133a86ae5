"""Simulation: intervals of 95% hold the truth about that often, and naive ones do not."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

from suite import stats
from suite.stats import Contrast, Part
from suite.stats.sample import Numbers

WORLDS = 600


def drawn(rng: np.random.Generator, seeds: int, documents: int, by_seed: float, by_document: float) -> Numbers:
    """Paired differences (seeds × documents) whose true mean is zero; single answers vary by 20."""
    shared = rng.normal(0, by_seed, (seeds, 1)) + rng.normal(0, by_document, (1, documents))
    found: Numbers = shared + rng.normal(0, 20.0, (seeds, documents))
    return found


def contrast(values: Numbers) -> Contrast:
    samples = [stats.sample_of_values(each) for each in values]
    means, influence = np.array([each.value for each in samples]), np.array([each.influence for each in samples])
    return stats.contrast([Part.of_influence(means, influence, values.shape[1], 100.0)])


@pytest.mark.parametrize(
    ("seeds", "documents", "by_seed", "by_document"),
    [(1, 64, 0.0, 20.0), (3, 64, 0.0, 20.0), (3, 64, 0.0, 0.0), (3, 64, 5.0, 20.0), (3, 64, 15.0, 5.0),
     (5, 128, 4.0, 20.0)],
)  # fmt: skip
def test_intervals_hold_the_truth(seeds: int, documents: int, by_seed: float, by_document: float) -> None:
    rng = np.random.default_rng(7)
    found = [contrast(drawn(rng, seeds, documents, by_seed, by_document)) for _ in range(WORLDS)]
    held = float(np.mean([each.low <= 0 <= each.high for each in found]))
    assert 0.92 <= held <= 0.985
    assert all((each.low <= 0 <= each.high) == (each.p >= stats.ALPHA) for each in found)


def test_intervals_over_documents_alone_or_seeds_alone_say_too_much() -> None:
    rng = np.random.default_rng(8)
    ours, documents, seeds = 0, 0, 0
    for _ in range(WORLDS):
        values = drawn(rng, 3, 64, 10.0, 40.0)
        ours += contrast(values).low <= 0 <= contrast(values).high
        pooled = scipy.stats.sem(values.mean(axis=0)) * 1.96
        documents += abs(values.mean()) <= pooled
        means = values.mean(axis=1)
        seeds += abs(means.mean()) <= scipy.stats.t.ppf(0.975, 2) * scipy.stats.sem(means)
    assert ours / WORLDS >= 0.93
    assert documents / WORLDS < 0.85  # another seed would have come out elsewhere
    assert seeds / WORLDS < 0.92  # and so would other documents


def test_resampling_three_seeds_covers_too_seldom() -> None:
    """The percentile interval of the bootstrap over seeds and documents, which others use."""
    rng = np.random.default_rng(9)
    naive, ours, worlds = 0, 0, 300
    for _ in range(worlds):
        values = drawn(rng, 3, 40, 10.0, 20.0)
        chosen = rng.integers(0, 3, (300, 3))
        weights = rng.multinomial(40, np.full(40, 1 / 40), 300) / 40
        means = (values @ weights.T)[chosen.T, np.arange(300)].mean(axis=0)
        low, high = np.quantile(means, [0.025, 0.975])
        naive += low <= 0 <= high
        ours += contrast(values).low <= 0 <= contrast(values).high
    assert naive / worlds < 0.88
    assert ours / worlds >= 0.93


def test_a_false_alarm_is_as_rare_as_it_says_for_right_and_wrong_answers() -> None:
    rng = np.random.default_rng(10)
    alarms = 0
    for _ in range(WORLDS):
        flips = rng.random(128) < 0.06  # few documents differ, where a normal test is too sure
        signs = np.where(rng.random(128) < 0.5, 100.0, -100.0) * flips
        won, lost = int((signs > 0).sum()), int((signs < 0).sum())
        alarms += stats.mcnemar(won, lost) < stats.ALPHA
    assert alarms / WORLDS <= stats.ALPHA


def test_equal_answers_on_all_documents_are_no_proof_of_equal_models() -> None:
    found = contrast(np.zeros((1, 128)))
    assert found.value == 0.0
    assert found.high - found.value == pytest.approx(1.979 * 100 / 130, rel=1e-3)
    assert found.p == 1.0


def test_what_the_seeds_vary_by_is_told_apart_from_documents() -> None:
    rng = np.random.default_rng(11)
    noisy = [contrast(drawn(rng, 3, 200, 0.0, 30.0)).spread for _ in range(50)]
    moved = [contrast(drawn(rng, 3, 200, 10.0, 0.0)).spread for _ in range(50)]
    assert np.median([each.seeds or 0 for each in noisy]) < 0.6 < 1.5 < np.median([each.documents for each in noisy])
    assert np.median([each.seeds or 0 for each in moved]) > 3 > np.median([each.documents for each in moved])


@pytest.mark.parametrize(("n", "won", "lost"), [(128, 0.3, 0.0), (128, 0.05, 0.02), (32, 0.9, 0.0), (32, 0.99, 0.0)])
def test_paired_differences_stay_within_their_bounds_and_cover(n: int, won: float, lost: float) -> None:
    """Of right and wrong answers; the base is wrong on nearly all, and the row right: a difference near 100."""
    rng = np.random.default_rng(13)
    held = 0
    for _ in range(WORLDS):
        values = 100.0 * rng.choice([1, -1, 0], (1, n), p=[won, lost, 1 - won - lost])
        sample = stats.sample_of_values(values[0])
        part = Part.of_influence(np.array([sample.value]), sample.influence[None], n, 100.0, scale=(-100.0, 100.0))
        found = stats.contrast([part])
        assert -100 <= found.low <= found.value <= found.high <= 100
        held += found.low <= 100 * (won - lost) <= found.high
    assert held / WORLDS >= 0.93
