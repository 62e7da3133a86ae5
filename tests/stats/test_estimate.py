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
    assert found.half_width == pytest.approx(t * stdev / math.sqrt(n), rel=1e-3)
    assert found.over == "seeds"


def test_one_seed_has_no_interval_over_seeds() -> None:
    with pytest.raises(ValueError, match="two seeds"):
        stats.over_seeds([1.0])


def test_an_interval_over_documents_is_normal_and_unknown_without_a_standard_error() -> None:
    found = stats.over_documents(50.0, 10.0)
    assert (found.low, found.high) == (pytest.approx(30.4, abs=0.01), pytest.approx(69.6, abs=0.01))
    unknown = stats.over_documents(50.0, None)
    assert (unknown.low, unknown.high) == (None, None)


def test_standard_errors() -> None:
    assert stats.standard_error([0.0, 100.0]) == pytest.approx(50.0)
    assert stats.standard_error([1.0]) is None
    assert stats.mean_of_tasks([3.0, 4.0]) == pytest.approx(2.5)
    assert stats.mean_of_tasks([3.0, None]) is None
    assert stats.mean_of_tasks([]) is None
    assert stats.of_difference(3.0, 4.0) == pytest.approx(5.0)
    assert stats.of_difference(3.0, None) is None
    assert stats.share_stderr(0.5, 100) == pytest.approx(0.05)
    assert stats.share_stderr(0.5, 0) is None


def test_a_perfect_score_is_not_a_certain_one() -> None:
    found = stats.over_documents(100.0, 0.0, 128)
    assert found.half_width == pytest.approx(100 * 3.8415 / 131.8415, rel=1e-3)  # Wilson's lower end for 128 of 128
    assert stats.over_documents(50.0, 0.0, 128).half_width == 0.0


def test_of_equal_scores_the_first_is_the_best() -> None:
    assert stats.first_of_the_best([3.0, 7.0, 7.0, 1.0]) == 1


@pytest.mark.parametrize("seeds", [1, 3])
def test_intervals_alone_are_those_of_the_tested_contrasts(seeds: int) -> None:
    draw = np.random.default_rng(0)
    shared = np.zeros((seeds, 20))
    pulls = [draw.normal(size=(seeds, 20)), draw.normal(size=(seeds, 20)), shared]
    parts = [stats.Part.of_pulls(draw.normal(size=seeds), each, 20, 0.0) for each in pulls]
    joined = [stats.Parts.of(*parts), stats.Parts.of(*reversed(parts))]
    assert stats.estimates(joined) == [each.estimate for each in stats.contrasts(joined)]
    same = stats.Parts.of(stats.Part.of_pulls(np.full(seeds, 40.0), shared, 20, 0.0))
    assert [each.half_width for each in stats.estimates([same])] == [0.0]
