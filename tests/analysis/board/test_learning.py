"""What a row learned beside the others, and that doing nothing has no rank."""

from __future__ import annotations

from dataclasses import replace

import pytest

from suite.analysis.board import Learning, Row, board
from suite.analysis.board.ranking import with_ranking
from suite.analysis.board.rows import PretrainedResults, make_row
from suite.analysis.board.standings import standing_text, unlearned_reasons
from suite.results.store import Costs
from suite.results.store.experiment_results import ExperimentResults
from tests.analysis.board.test_ranking import right
from tests.analysis.board.tiny_board import World

BASE = 0.5
"""The pretrained model's share of right answers, on the target (where it is chance) and on the held-out task."""


@pytest.fixture
def made(world: World) -> World:
    world.held_out = ("qa",)
    world.experiment("pretrained", {("rte", 0): right(BASE), ("qa", 1): right(BASE)})
    return world


def add(world: World, name: str, target: float, held_out: float, **more: float) -> None:
    answers = {("rte", 0): right(target), ("qa", 1): right(held_out)}
    answers |= {(role, 0): right(share) for role, share in more.items()}
    targets = ("rte", *more)
    world.experiment(name, answers, targets=targets, train=[world.train(name, 0, Costs(1.0, 10, 10, 7, 80))])


def rows(world: World) -> dict[str, Row]:
    return {row.name: row for row in board(world.store, "tiny").rows}


def standings(world: World) -> dict[str, str]:
    return {name: row.learning.standing for name, row in rows(world).items() if row.learning}


def learned(row: Row) -> Learning:
    assert row.learning is not None
    return row.learning


def test_a_row_that_learned_nothing_has_no_rank_however_much_it_keeps(made: World) -> None:
    add(made, "idle", BASE, BASE)
    add(made, "tuned", 0.95, 0.3)
    found = rows(made)
    assert standings(made) == {"tuned": "learned", "idle": "did not learn"}
    assert (found["tuned"].rank and found["tuned"].rank.place, found["tuned"].contenders) == (1, 1)
    assert found["idle"].rank is None
    assert list(found) == ["pretrained", "tuned", "idle"]
    assert list(unlearned_reasons(found["idle"])) == ["rte 47.0 ± 10.2 is not shown to be above guessing (50.0)"]


def test_rows_with_nearly_the_best_gain_are_ranked_by_what_they_keep(made: World) -> None:
    add(made, "most", 0.99, 0.2)
    add(made, "nearly", 0.96, 0.45)
    found = rows(made)
    assert standings(made) == {"nearly": "learned", "most": "learned"}
    places = {name: row.rank.place for name, row in found.items() if row.rank}
    assert places == {"nearly": 1, "most": 2}
    assert learned(found["nearly"]).share == pytest.approx(46 / 49, abs=0.03)


def test_less_gain_is_on_the_front_if_it_keeps_more_and_less_learned_if_it_does_not(made: World) -> None:
    add(made, "most", 0.99, 0.3)
    add(made, "gentle", 0.75, 0.49)
    add(made, "worse", 0.7, 0.1)
    assert standings(made) == {"most": "learned", "gentle": "on the front", "worse": "learned less"}
    found = rows(made)
    assert [name for name, row in found.items() if row.rank] == ["most"]
    assert list(found) == ["pretrained", "most", "gentle", "worse"]
    assert standing_text(learned(found["worse"])) == "43% of the best gain"


def test_a_row_behind_by_less_than_chance_explains_is_on_the_front(made: World) -> None:
    add(made, "most", 0.9, 0.45)
    others = {("rte", 0): right(0.81, seed=7), ("qa", 1): right(0.43, seed=7)}
    made.experiment("behind", others, train=[made.train("behind", 0, Costs(1.0, 10, 10, 7, 80))])
    assert (learned(rows(made)["behind"]).share or 1) < 0.9
    assert standings(made)["behind"] == "on the front"


def test_a_track_says_which_share_of_the_gain_is_enough(made: World) -> None:
    add(made, "most", 0.99, 0.3)
    add(made, "half", 0.78, 0.2)
    assert standings(made) == {"most": "learned", "half": "learned less"}

    records = made.store.experiments("tiny")
    results = [ExperimentResults.of_many(made.store, [record]) for record in records]
    bases = [PretrainedResults.of(made.store, own[0]) for own in results if own[0].record.method == "pretrained"]
    samples = [make_row(made.store, own, bases) for own in results]
    found = {row.name: row for row in with_ranking(samples, 0.5)}
    assert learned(found["half"]).standing == "learned"
    assert found["half"].contenders == 2


def test_the_gain_of_several_targets_is_their_mean_and_one_may_be_unlearned(world: World) -> None:
    world.held_out = ("qa",)
    world.experiment(
        "pretrained", {("rte", 0): right(BASE), ("cb", 0): right(BASE), ("qa", 1): right(BASE)}, targets=("rte", "cb")
    )
    add(world, "both", 0.9, 0.4, cb=0.9)
    add(world, "one", 0.98, 0.45, cb=BASE)
    found = rows(world)
    assert learned(found["one"]).unlearned == ("cb",)
    assert learned(found["one"]).gain == pytest.approx(47 / 2, abs=2)
    assert learned(found["both"]).standing == "learned"
    assert learned(found["one"]).standing == "on the front"
    assert [text.partition(" ")[0] for text in unlearned_reasons(found["one"])] == ["cb"]


def test_without_the_pretrained_model_no_gain_is_known_and_nothing_is_ranked(world: World) -> None:
    world.held_out = ("qa",)
    add(world, "tuned", 0.95, 0.3)
    (row,) = rows(world).values()
    assert (row.learning, row.rank) == (None, None)


def test_a_mean_gain_below_zero_is_nothing_learned_though_one_target_was(world: World) -> None:
    world.held_out = ("qa",)
    world.experiment(
        "pretrained", {("rte", 0): right(BASE), ("cb", 0): right(0.95), ("qa", 1): right(BASE)}, targets=("rte", "cb")
    )
    add(world, "won_little", 0.8, 0.4, cb=0.3)
    add(world, "won_less", 0.75, 0.4, cb=0.1)
    assert standings(world) == {"won_little": "did not learn", "won_less": "did not learn"}
    assert all(row.rank is None for row in rows(world).values())


def test_rows_that_were_asked_other_questions_do_not_set_the_best_gain(made: World) -> None:
    for name, share in (("first", 0.8), ("second", 0.79), ("third", 0.78)):
        add(made, name, share, 0.4)
    made.asked = {"data": "another cut"}
    made.experiment("pretrained_new", {("rte", 0): right(0.1), ("qa", 1): right(BASE)})
    add(made, "easy", 0.99, 0.4)
    found = rows(made)
    assert {name for name, row in found.items() if row.rank} == {"first", "second", "third"}
    assert learned(found["first"]).share == 1.0


def test_a_share_is_rounded_down_so_that_none_reads_as_enough(made: World) -> None:
    assert standing_text(Learning(10.0, 0.8985, "learned less")) == "89% of the best gain"


def test_the_share_of_a_track_is_that_of_most_of_its_experiments(made: World) -> None:
    add(made, "most", 0.99, 0.3)
    add(made, "half", 0.78, 0.2)
    records = made.store.experiments("tiny")
    for record in records[1:]:
        track = {**record.spec["track"], "learned_share": 0.5}
        made.store.add_experiment(replace(record, spec={**record.spec, "track": track}), made.store.links(record.id))
    assert board(made.store, "tiny").learned_share == 0.5
    assert standings(made)["half"] == "learned"
