"""Advice: which row to take, by what rows gain, keep and cost, within limits."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from suite.analysis.advice import Advice, Constraints, advise
from suite.analysis.board import board
from suite.results.store import Store
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


def places(found: Advice) -> dict[str, str | None]:
    return {candidate.name: candidate.front for candidate in found.candidates}


def test_a_row_that_learns_nothing_is_never_advised(store: Store) -> None:
    found = advice(store, {"nothing": LEARNS_NOTHING})
    assert found.choice is None
    assert found.because.startswith(
        "Keep the pretrained model: no row within the limits is significantly better on rte."
    )


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
