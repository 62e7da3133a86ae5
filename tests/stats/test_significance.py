"""Exact tests and corrections, against SciPy, statsmodels and printed tables."""

from __future__ import annotations

import math

import pytest
import scipy.stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestPower

from suite import stats
from suite.stats import Spread


@pytest.mark.parametrize(("won", "lost"), [(0, 0), (5, 0), (0, 6), (3, 9), (10, 10), (30, 55)])
def test_mcnemar_is_the_exact_binomial_test(won: int, lost: int) -> None:
    theirs = mcnemar([[40, won], [lost, 20]], exact=True).pvalue if won + lost else 1.0
    assert stats.mcnemar(won, lost) == pytest.approx(theirs)


def test_five_documents_won_and_none_lost_are_too_few_though_a_normal_test_finds_them() -> None:
    difference, stderr = 5 / 128, math.sqrt(5 / 128 * (1 - 5 / 128) / 127)
    assert 2 * scipy.stats.norm.sf(difference / stderr) < 0.05
    assert stats.mcnemar(5, 0) == pytest.approx(0.0625)


def test_holm_is_statsmodels_and_leaves_out_what_was_not_tested() -> None:
    values = [0.01, 0.04, 0.03, 0.005, 0.9]
    assert stats.holm(values) == pytest.approx(multipletests(values, method="holm")[1])
    assert stats.holm([0.01, None, 0.04]) == (pytest.approx(0.02), None, pytest.approx(0.04))
    assert stats.holm([]) == ()


def test_a_spread_of_one_source_has_students_tails() -> None:
    assert Spread(2.0, None, 9.0, 1.0).p(5.0) == pytest.approx(2 * scipy.stats.t.sf(2.5, 9))
    assert Spread(0.0, 2.0, math.inf, 2.0).p(5.0) == pytest.approx(2 * scipy.stats.t.sf(2.5, 2))
    assert Spread(2.0, None, 9.0, 1.0).quantile(0.025) == pytest.approx(scipy.stats.t.ppf(0.975, 9))
    both = Spread(1.0, 1.0, 1e9, 2.0)
    assert scipy.stats.norm.ppf(0.975) < both.quantile(0.025) < scipy.stats.t.ppf(0.975, 2)
    assert (Spread(0.0, None, 9.0, 1.0).p(0.0), Spread(0.0, None, 9.0, 1.0).p(1.0)) == (1.0, 0.0)


def test_the_difference_that_can_be_seen_has_the_stated_power() -> None:
    found = stats.contrast([stats.Part.of_influence(*one_task([10.0, -10.0] * 50))])
    power = TTestPower().power(effect_size=found.resolvable / 10.05, nobs=100, alpha=stats.ALPHA)
    assert power == pytest.approx(stats.POWER, abs=0.01)  # 10.05 is the standard deviation of the differences


@pytest.mark.parametrize(("n", "lead"), [(1, 0.0), (2, 0.5642), (5, 1.1630), (10, 1.5388), (100, 2.5076)])
def test_the_best_of_equals_leads_by_luck_as_printed_in_tables(n: int, lead: float) -> None:
    assert stats.lead_by_chance(n) == pytest.approx(lead, abs=1e-3)


def one_task(values: list[float]) -> tuple[stats.sample.Numbers, stats.sample.Numbers, int, float]:
    import numpy as np

    sample = stats.sample_of_values(np.array(values))
    return np.array([sample.value]), sample.influence[None], sample.documents, 0.0
