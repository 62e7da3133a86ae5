"""Seeds of a row that were asked something else have no common score, and no rank."""

from __future__ import annotations

from suite.analysis.board import board
from suite.results.store import Store
from tests.analysis.board.tiny_board import World, per_document


def test_a_row_whose_seeds_answered_other_rows_is_told_and_has_no_rank() -> None:
    with Store.open("sqlite://") as store:
        world = World(store, held_out=("cb",))
        for seed, rows in ((0, "new"), (1, "old")):
            world.asked = {"data": rows}
            stack = world.train("lora", seed, None)
            answers = {("rte", 0): per_document(100.0), ("cb", 1): per_document(100.0)}
            world.experiment("lora_rte", answers, seed=seed, train=[stack])
        row = next(each for each in board(store, "tiny").rows if each.name == "lora_rte")
    told = "rte 0-shot asked alike of all seeds (seed 1 differs from seed 0 in data; run all seeds again)"
    assert told in row.missing


def test_a_row_whose_seeds_were_asked_alike_misses_nothing_of_it() -> None:
    with Store.open("sqlite://") as store:
        world = World(store, held_out=("cb",), asked={"data": "same"})
        for seed in (0, 1):
            answers = {("rte", 0): per_document(100.0), ("cb", 1): per_document(100.0)}
            world.experiment("lora_rte", answers, seed=seed, train=[world.train("lora", seed, None)])
        row = next(each for each in board(store, "tiny").rows if each.name == "lora_rte")
    assert not any("asked alike" in each for each in row.missing)
