"""Ranks with intervals: what cannot be told apart shares its places."""

from __future__ import annotations

import numpy as np
import pytest

from suite.stats import Contender, Rank, ranks, sample_of_values, shown_gaps
from suite.stats.sample import Numbers

LEAST = (100 / 202) ** 2


def contender(values: Numbers, seeds: tuple[int, ...] = ()) -> Contender:
    """From documents' scores (seeds × documents)."""
    samples = [sample_of_values(each) for each in np.atleast_2d(values)]
    return Contender(seeds, np.array([each.value for each in samples]), np.array([each.influence for each in samples]))


def test_rows_that_differ_clearly_have_a_place_each_and_others_share() -> None:
    rng = np.random.default_rng(0)
    easy = rng.normal(50, 20, 200)
    rows = [contender(easy + shift + rng.normal(0, 5, 200)) for shift in (20.0, 0.0, 0.2, -20.0)]
    found = ranks(rows, 200, LEAST)
    assert [(each.low, each.high) for each in found] == [(1, 1), (2, 3), (2, 3), (4, 4)]
    assert [each.below_best for each in found] == [False, True, True, True]


def test_a_lead_over_documents_alone_is_no_lead_where_seeds_differ_more() -> None:
    """Each seed by itself has many documents; three seeds that scatter cannot carry a difference of their means."""
    rng = np.random.default_rng(1)
    quiet = rng.normal(0, 1, 400)
    first = np.array([[60.0], [50.0], [55.0]]) + quiet
    second = np.array([[52.0], [54.0], [50.0]]) + quiet
    one_seed = ranks([contender(first[:1]), contender(second[:1])], 400, 0.01)
    assert [each.high for each in one_seed] == [1, 2]
    found = ranks([contender(first, (0, 1, 2)), contender(second, (0, 1, 2))], 400, 0.01)
    assert found == (Rank(1, 1, 2), Rank(2, 1, 2))


def test_seeds_are_paired_where_rows_share_them_and_not_otherwise() -> None:
    rng = np.random.default_rng(2)
    quiet, luck = rng.normal(0, 1, 400), np.array([[10.0], [-10.0], [0.0]])
    better, worse = 52 + luck + quiet, 50 + luck + quiet + rng.normal(0, 1, (3, 400))
    paired = ranks([contender(better, (0, 1, 2)), contender(worse, (0, 1, 2))], 400, 0.001)
    assert [each.high for each in paired] == [1, 2]
    apart = ranks([contender(better, (0, 1, 2)), contender(worse, (3, 4, 5))], 400, 0.001)
    assert [each.high for each in apart] == [2, 2]


def test_one_seed_beside_rows_of_three_is_taken_to_vary_as_they_do() -> None:
    rng = np.random.default_rng(4)
    quiet = rng.normal(0, 1, 400)
    three = np.array([[60.0], [50.0], [55.0]]) + quiet
    found = ranks([contender(three, (0, 1, 2)), contender(51 + quiet, (0,))], 400, 0.01)
    assert [each.high for each in found] == [2, 2]
    fixed = ranks([contender(three[:1] + 9, (0,)), contender(51 + quiet, ())], 400, 0.01)
    assert [each.high for each in fixed] == [1, 2]


@pytest.mark.parametrize("seeds", [1, 3])
def test_the_true_best_is_seldom_told_from_the_best_though_the_winner_by_luck_seems_sure(seeds: int) -> None:
    """Twelve equal rows: comparing each with the highest, uncorrected, accuses one of them in most worlds."""
    rng = np.random.default_rng(3)
    wrong, naive, worlds = 0, 0, 200
    for _ in range(worlds):
        easy = rng.normal(50, 20, 100)
        scores = [easy + rng.normal(0, 10, (seeds, 100)) for _ in range(12)]
        rows = [contender(each, tuple(range(seeds)) if seeds > 1 else ()) for each in scores]
        found = ranks(rows, 100, 0.01)
        wrong += found[0].below_best  # any row is a true best one here
        top = max(scores, key=np.mean).mean(axis=0)
        gaps = [top - each.mean(axis=0) for each in scores]
        naive += any(gap.std() and gap.mean() / (gap.std(ddof=1) / 10) > 1.96 for gap in gaps)
    assert wrong / worlds <= 0.07
    assert naive / worlds > 0.5


def test_equal_values_share_a_place_and_no_rows_have_none() -> None:
    values = np.array([10.0, 20.0, 30.0])
    found = ranks([contender(values), contender(values)], 3, LEAST)
    assert found == (Rank(1, 1, 2), Rank(1, 1, 2))
    assert ranks([], 0, LEAST) == ()


def test_a_row_is_shown_to_be_better_exactly_if_the_other_is_shown_to_be_worse() -> None:
    """Each row has its own correction: with nine equal rows beside it, the first one's is the stricter."""
    rng = np.random.default_rng(5)
    easy = rng.normal(50, 20, 200)
    rows = [contender(easy + shift + rng.normal(0, 12, 200)) for shift in (3.0, *(0.0,) * 9, -3.0)]
    gaps, shown = shown_gaps(rows, 200, LEAST)
    assert shown.any()
    assert not shown.all()
    assert (shown == shown.T).all()
    better = [int((shown[index] & (gaps[index] < 0)).sum()) for index in range(len(rows))]
    assert [each.low - 1 for each in ranks(rows, 200, LEAST)] == better
