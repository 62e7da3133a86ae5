from __future__ import annotations

import math

import numpy as np
import pytest

from suite import stats


@pytest.mark.parametrize(("n", "t"), [(2, 12.706), (3, 4.303), (5, 2.776), (10, 2.262), (31, 2.042), (100, 1.984)])
def test_the_half_width_over_seeds_is_students_t_as_it_is_printed_in_tables(n: int, t: float) -> None:
    values = [float(number % 2) for number in range(n)]
    mean = sum(values) / n
    stdev = math.sqrt(sum((value - mean) ** 2 for value in values) / (n - 1))
    found = stats.over_seeds(values)
    assert found.value == pytest.approx(mean)
    assert found.half == pytest.approx(t * stdev / math.sqrt(n), rel=1e-3)
    assert found.over == "seeds"


def test_one_seed_has_no_interval_over_seeds() -> None:
    with pytest.raises(ValueError, match="two seeds"):
        stats.over_seeds([1.0])


def test_an_interval_is_unknown_without_a_standard_error_and_where_seeds_agree() -> None:
    unknown = stats.of_stderrs([50.0], [None], 10, stats.PERCENT)
    assert (unknown.value, unknown.low, unknown.high) == (50.0, None, None)
    agreed = stats.over_seeds([40.0, 40.0, 40.0], 100, stats.PERCENT)
    assert (agreed.value, agreed.low, agreed.high) == (40.0, None, None)  # documents are not known to agree


def test_a_bounded_score_has_an_interval_within_its_bounds_and_others_one_to_both_sides() -> None:
    score = stats.over_seeds([99.0, 97.0, 90.0], 100, stats.PERCENT)
    assert score.low is not None
    assert score.high is not None
    assert 0 < score.low < 90 < 99 < score.high < 100
    assert score.half is None  # its sides differ
    loss = stats.of_stderrs([2.0], [0.5], 100, stats.UNBOUNDED)
    assert (loss.low, loss.high) == (pytest.approx(1.01, abs=0.01), pytest.approx(2.99, abs=0.01))
    assert loss.half == pytest.approx(0.99, abs=0.01)
    assert stats.of_stderrs([0.2], [0.5], 100, (0.0, math.inf)).low == 0.0


def test_a_perfect_score_is_not_a_certain_one() -> None:
    found = stats.of_stderrs([100.0], [0.0], 128, stats.PERCENT)
    assert found.low == pytest.approx(100 * 0.025 ** (1 / 128))  # the exact lower end for 128 of 128
    assert found.high == 100.0


def test_seeds_scores_with_standard_errors_are_over_both() -> None:
    one = stats.of_stderrs([70.0], [5.0], 84, stats.PERCENT)
    alike = stats.of_stderrs([70.0, 70.0, 70.0], [5.0, 5.0, 5.0], 84, stats.PERCENT)
    apart = stats.of_stderrs([60.0, 70.0, 80.0], [5.0, 5.0, 5.0], 84, stats.PERCENT)
    assert (alike.low, alike.high) == (pytest.approx(one.low), pytest.approx(one.high))  # the documents remain
    assert apart.over == "documents and seeds"
    assert apart.low is not None
    assert one.low is not None
    assert apart.low < 45 < 59 < one.low < 61


def test_of_equal_scores_the_first_is_the_best() -> None:
    assert stats.first_of_the_best([3.0, 7.0, 7.0, 1.0]) == 1


@pytest.mark.parametrize("seeds", [1, 3])
def test_off_a_bounded_scale_intervals_alone_are_those_of_the_tested_contrasts(seeds: int) -> None:
    draw = np.random.default_rng(0)
    shared = np.zeros((seeds, 20))
    influence = [draw.normal(size=(seeds, 20)), draw.normal(size=(seeds, 20)), shared]
    parts = [stats.Part.of_influence(draw.normal(size=seeds), each, 20, 0.0) for each in influence]
    joined = [stats.Parts.of(*parts), stats.Parts.of(*reversed(parts))]
    assert stats.estimates(joined) == [each.estimate for each in stats.contrasts(joined)]
    same = stats.Parts.of(stats.Part.of_influence(np.full(seeds, 40.0), shared, 20, 0.0))
    assert [each.half for each in stats.estimates([same])] == [0.0]
