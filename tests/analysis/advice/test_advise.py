"""Advice: which row to take, by what rows gain, keep and cost, within limits."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from suite.analysis.advice import Advice, Constraints, advise
from suite.analysis.advice.differences import Differences
from suite.analysis.board import board
from suite.analysis.board.compare import compare
from suite.analysis.board.named import NamedRows
from suite.results.store import Store
from suite.stats import Contrast
from tests.leaderboard.filled import BASE, Filling, Method

GAINS_AND_KEEPS, CHEAP = Method(88.0, 60.0, 0.0, 40.0, 1_000_000), Method(88.0, 60.0, 0.0, 4.0, 1_000)
FORGETS, LEARNS_NOTHING = Method(99.0, 12.0, 0.9, 6.0, 1_000_000), Method(50.0, 61.0, 0.0, 1.0, 100)


@pytest.fixture
def store() -> Iterator[Store]:
    with Store.open("sqlite://") as store:
        yield store


def advice(store: Store, rows: dict[str, Method], limits: Constraints = Constraints(), documents: int = 60) -> Advice:
    filling = Filling(store, documents=documents)
    filling.add("pretrained", "pretrained", BASE, (0,))
    for name, how in rows.items():
        filling.add(name, "lora", how, (0, 1, 2))
    return advise(store, board(store, "micro"), "rte", limits)


def numbers(contrast: Contrast | None) -> list[float]:
    assert contrast is not None
    return [contrast.value, contrast.low, contrast.high, contrast.p, contrast.resolvable]


def places(found: Advice) -> dict[str, str | None]:
    return {candidate.name: candidate.front for candidate in found.candidates}


def test_a_row_that_learns_nothing_is_never_advised(store: Store) -> None:
    found = advice(store, {"nothing": LEARNS_NOTHING})
    assert found.choice is None
    assert found.because.startswith("Keep the pretrained model: no row is significantly better on rte. The highest")


def test_of_rows_that_are_alike_the_cheapest_is_advised(store: Store) -> None:
    found = advice(store, {"expensive": GAINS_AND_KEEPS, "cheap": CHEAP, "nothing": LEARNS_NOTHING})
    assert found.choice == "cheap"
    assert "Take cheap: rte 8" in found.because
    assert "expensive is tied with it on the target" in found.because


def test_what_is_significantly_better_on_the_target_comes_first(store: Store) -> None:
    found = advice(store, {"cheap": CHEAP, "forgets": FORGETS})
    assert found.choice == "forgets"
    assert places(found) == {"forgets": "on the front", "cheap": "on the front"}
    assert "cheap keeps" not in found.because
    assert "forgets keeps" in found.because
    assert "points less" in found.because


def test_a_limit_of_what_is_kept_excludes_a_row_and_says_why(store: Store) -> None:
    found = advice(store, {"cheap": CHEAP, "forgets": FORGETS}, Constraints(keep=0.9))
    assert found.choice == "cheap"
    (excluded,) = [each for each in found.candidates if each.excluded]
    assert excluded.name == "forgets"
    assert excluded.excluded[0].endswith("of the held-out average, below 90.0%")
    assert excluded.front is None


@pytest.mark.parametrize(
    ("limits", "why"),
    [
        (Constraints(seconds=10.0), " s, above 10 s"),
        (Constraints(memory=1), "above 1 B"),
    ],
)
def test_a_limit_of_cost_excludes_a_row(store: Store, limits: Constraints, why: str) -> None:
    found = advice(store, {"expensive": GAINS_AND_KEEPS}, limits)
    assert found.choice is None
    assert found.because == "No row is within the limits."
    assert why in found.candidates[0].excluded[0]


def test_a_row_that_is_worse_in_both_is_dominated_by_name(store: Store) -> None:
    worse = Method(70.0, 20.0, 0.9, 6.0, 1_000_000)
    found = advice(store, {"cheap": CHEAP, "worse": worse}, documents=200)
    by_name = {candidate.name: candidate for candidate in found.candidates}
    assert (by_name["worse"].front, by_name["worse"].better) == ("dominated", ("cheap",))
    assert by_name["cheap"].front == "on the front"


def test_what_is_not_known_is_said(store: Store) -> None:
    filling = Filling(store, documents=60)
    filling.add("pretrained", "pretrained", BASE, (0,))
    filling.add("one_seed", "lora", CHEAP, (0,))
    filling.add("other_terms", "lora", CHEAP, (0, 1, 2), changes={"batch_size": 8}, variant="b")
    found = advise(store, board(store, "micro"), "rte")
    assert any(text.startswith("fewer than 3 seeds: one_seed") for text in found.unknown)
    assert any("would not be found (80 % power)" in text for text in found.unknown)


def test_what_a_row_keeps_is_its_share_of_the_pretrained_row_that_was_asked_the_same(store: Store) -> None:
    filling, short = Filling(store, documents=60), {"max_length": 128}
    filling.add("pretrained", "pretrained", BASE, (0,))
    filling.add("pretrained_short", "pretrained", Method(50.0, 30.0, 0.0, 0.0, 0), (0,), changes=short)
    filling.add("row", "lora", Method(88.0, 24.0, 0.0, 4.0, 1_000), (0, 1, 2))
    filling.add("row_short", "lora", Method(88.0, 24.0, 0.0, 4.0, 1_000), (0, 1, 2), changes=short)
    made = board(store, "micro")
    averages = {row.name: average.value for row in made.rows if (average := row.norm_avg[4])}
    shares = {each.name: each.retained_share for each in advise(store, made, "rte").candidates}
    assert averages["pretrained"] > 1.5 * averages["pretrained_short"]
    assert shares["row"] == pytest.approx(averages["row"] / averages["pretrained"])
    assert shares["row_short"] == pytest.approx(averages["row_short"] / averages["pretrained_short"])


def test_a_row_that_is_behind_within_the_uncertainty_is_tied(store: Store) -> None:
    found = advice(store, {"ahead": Method(92.0, 65.0, 0.0, 4.0, 1_000), "behind": Method(87.0, 61.0, 0.0, 1.0, 10)})
    by_name = {candidate.name: candidate for candidate in found.candidates}
    ahead, behind = by_name["ahead"], by_name["behind"]
    assert ahead.score.value > behind.score.value
    assert ahead.average is not None
    assert behind.average is not None
    assert ahead.average.value > behind.average.value
    assert (ahead.front, behind.front, behind.better) == ("on the front", "tied", ())


def test_a_row_that_is_tied_on_the_target_but_keeps_significantly_less_is_dominated(store: Store) -> None:
    found = advice(store, {"keeps": Method(90.0, 60.0, 0.0, 9.0, 10), "forgets": Method(88.0, 12.0, 0.9, 1.0, 1_000)})
    by_name = {candidate.name: candidate for candidate in found.candidates}
    assert (by_name["forgets"].front, by_name["forgets"].better) == ("dominated", ("keeps",))
    assert found.choice == "keeps"  # though the other one is cheaper
    assert "forgets is tied with it on the target" in found.because


def test_differences_of_many_rows_are_those_of_suite_compare(store: Store) -> None:
    rows = {"cheap": CHEAP, "forgets": FORGETS, "nothing": LEARNS_NOTHING}
    one, *others = advice(store, rows).candidates
    made, names = board(store, "micro"), NamedRows(store, "micro")
    by_variant, records = {row.variant: row for row in made.rows}, {it.id: it for it in store.experiments("micro")}
    scores = Differences(store, records, by_variant, [("rte", 0)]).minus(one, others)
    averages = Differences(store, records, by_variant, [(role, 4) for role in made.roles], 4).minus(one, others)
    for other in others:
        compared = compare(names, one.name, other.name)
        assert numbers(scores[other.variant]) == pytest.approx(numbers(compared.tasks[0].difference))
        assert numbers(averages[other.variant]) == pytest.approx(numbers(compared.averages[4]))


def test_without_a_pretrained_row_none_is_advised_and_the_command_that_makes_one_is_named(store: Store) -> None:
    Filling(store, documents=60).add("cheap", "lora", CHEAP, (0, 1, 2))
    found = advise(store, board(store, "micro"), "rte")
    assert found.choice is None
    assert found.because.startswith("No row can be advised for rte: no gain over the pretrained model is known.")
    assert "there is no pretrained row, so gains are not known (suite run pretrained --track micro)" in found.unknown


def test_a_pretrained_row_that_was_asked_something_else_gives_no_gain(store: Store) -> None:
    filling = Filling(store, documents=60)
    filling.add("pretrained", "pretrained", BASE, (0,), changes={"max_length": 128})
    filling.add("cheap", "lora", CHEAP, (0, 1, 2))
    found = advise(store, board(store, "micro"), "rte")
    assert found.choice is None
    assert "no pretrained row was asked the same, so gains are not known" in found.unknown


@pytest.mark.parametrize(
    ("limits", "only"),
    [
        (Constraints(), "It is the only complete row on the track's terms."),
        (Constraints(seconds=600.0), "It is the only row within the limits."),
    ],
)
def test_one_row_is_said_to_be_the_only_one(store: Store, limits: Constraints, only: str) -> None:
    found = advice(store, {"cheap": CHEAP}, limits)
    assert found.choice == "cheap"
    assert found.because.endswith(only)
