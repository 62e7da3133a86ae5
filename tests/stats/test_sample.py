"""Scores with their influence: closed forms against SciPy's bootstrap, BLEU against sacrebleu's paired bootstrap."""

from __future__ import annotations

import random

import numpy as np
import pytest
import sacrebleu
import scipy.stats

from suite.core.metrics.bleu import RESAMPLING, bleu, bleu_counts
from suite.stats.sample import Numbers, sample_of_counts, sample_of_values

WORDS = ["the", "a", "cat", "dog", "sat", "ran", "on", "under", "mat", "hat", "red", "old", "in", "of", "paris"]


def texts(seed: int, right: float, n: int = 60) -> list[tuple[str, str]]:
    """(reference, prediction); the references are the same for all seeds."""
    known, own = random.Random(0), random.Random(seed)
    found = []
    for _ in range(n):
        reference = known.choices(WORDS, k=known.randint(1, 12))
        prediction = [word if own.random() < right else own.choice(WORDS) for word in reference]
        found.append((" ".join(reference), " ".join(prediction[: own.randint(0, 14)])))
    return found


def test_a_paired_differences_error_is_what_scipys_paired_bootstrap_converges_to() -> None:
    rng = np.random.default_rng(1)
    first = 100.0 * (rng.random(80) < 0.6)
    second = np.where(rng.random(80) < 0.8, first, 100.0 * (rng.random(80) < 0.5))
    influence = sample_of_values(first).influence - sample_of_values(second).influence
    theirs = scipy.stats.bootstrap(
        (first, second), lambda a, b, axis: np.mean(a - b, axis=axis), paired=True, n_resamples=20_000, rng=2
    ).standard_error
    assert np.sqrt(influence @ influence) == pytest.approx(theirs * np.sqrt(80 / 79), rel=0.02)


@pytest.mark.parametrize("right", [0.0, 0.3, 0.9, 1.0])
def test_bleu_of_sums_of_counts_is_sacrebleus(right: float) -> None:
    for n in (1, 2, 7, 60):
        pairs = texts(5, right, n)
        whole = sacrebleu.corpus_bleu([said for _, said in pairs], [[known for known, _ in pairs]], force=True).score
        assert float(bleu(bleu_counts(pairs).sum(axis=0))) == pytest.approx(whole, abs=1e-9)
    assert float(bleu(np.zeros(10))) == 0.0


def test_two_systems_bleu_is_resampled_over_the_same_documents() -> None:
    pairs = texts(1, 0.8), texts(2, 0.75)
    first, second = (bleu_counts(each) for each in pairs)
    a, b = sample_of_counts(first, RESAMPLING), sample_of_counts(second, RESAMPLING)
    ours = float(np.sqrt(np.sum((a.influence - b.influence) ** 2)))
    rng = np.random.default_rng(3)
    drawn = [places for _ in range(4000) for places in [rng.integers(0, 60, 60)]]
    theirs = np.std([bleu(first[places].sum(axis=0)) - bleu(second[places].sum(axis=0)) for places in drawn])
    assert ours == pytest.approx(float(theirs), rel=0.08)
    again = sample_of_counts(first, RESAMPLING)  # drawn from the number of documents alone
    assert np.array_equal(again.influence, a.influence)


def test_pairing_finds_what_two_separate_errors_hide() -> None:
    """Hard and easy documents spread both scores; one system is better on nearly every document alike."""
    hard = np.linspace(0.0, 90.0, 50)
    first, second = sample_of_values(hard + 3.0), sample_of_values(hard + np.tile([0.0, 1.0], 25))
    paired = float(np.sqrt(np.sum((first.influence - second.influence) ** 2)))
    gap = first.value - second.value
    assert gap > 20 * paired
    assert gap < 1.96 * np.hypot(first.stderr, second.stderr)


def test_one_document_has_no_spread() -> None:
    one: Numbers = np.array([70.0])
    assert (sample_of_values(one).value, sample_of_values(one).stderr) == (70.0, 0.0)
