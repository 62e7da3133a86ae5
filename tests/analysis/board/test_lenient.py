"""Lenient scores from stored answers, and the part of a change that is format."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from suite.analysis.board import Cell, Row, board
from suite.results.store import Costs, ScoreRecord, StepLink, Store
from tests.analysis.board.tiny_board import Answers, World, classified

LABELS = ["billing", "outage"]
SAID = ["It is billing.", "An outage", "outage", "no idea"]
RIGHT = ["billing", "outage", "outage", "billing"]
ABOUT = {
    "task": "t", "kind": "classification", "labels": LABELS, "chance": 50.0, "primary": "accuracy",
    "lenient": {"function": "named_label"},
}  # fmt: skip


@pytest.fixture
def world() -> Iterator[World]:
    with Store.open("sqlite://") as store:
        yield World(store, held_out=("cb",), roles={"rte": ABOUT, "cb": {**ABOUT, "lenient": None}}, shots=(0,))


def answered(*said: str) -> Answers:
    return classified(*zip(RIGHT, said, strict=True))


def add(world: World, name: str, said: list[str], seed: int = 0) -> None:
    train = [] if name == "pretrained" else [world.train(name, seed, Costs(1.0, 1, 1, 1, 1))]
    answers = {("rte", 0): answered(*said), ("cb", 0): answered(*RIGHT)}
    world.experiment(name, answers, train=train, stack=train, seed=seed)


def rows(world: World) -> dict[str, Row]:
    return {row.name: row for row in board(world.store, "tiny").rows}


def target(row: Row) -> Cell:
    (cell,) = row.target_scores
    return cell


def test_an_answer_in_another_form_counts_in_the_lenient_score_alone(world: World) -> None:
    add(world, "pretrained", SAID)
    cell = target(rows(world)["pretrained"])
    assert cell.score is not None
    assert cell.lenient is not None
    assert (cell.score.value, cell.lenient.score.value) == (25.0, 75.0)
    assert cell.lenient.score.low is not None
    assert cell.lenient.reading == "the first label anywhere"
    assert cell.lenient.format_gain is None
    assert [cell.lenient for cell in rows(world)["pretrained"].held_out] == [None]


def test_the_part_of_a_change_that_is_format_is_told(world: World) -> None:
    """The score rises by 75 points, the lenient one by 25: 50 are format."""
    add(world, "pretrained", SAID)
    for seed in (0, 1):
        add(world, "lora", RIGHT, seed)
    cell = target(rows(world)["lora"])
    assert cell.lenient is not None
    assert cell.lenient.score.value == 100.0
    assert cell.lenient.format_gain is not None
    assert cell.lenient.format_gain.value == 50.0
    assert cell.lenient.format_gain.low is not None
    assert cell.lenient.format_gain.low < 50 < (cell.lenient.format_gain.high or 0)


def test_without_stored_right_answers_there_is_no_lenient_score(world: World) -> None:
    add(replace(world, texts=False), "pretrained", SAID)
    assert target(rows(world)["pretrained"]).lenient is None


def test_a_seed_that_is_not_finished_leaves_no_lenient_score(world: World) -> None:
    add(world, "lora", RIGHT)
    world.experiment("lora", {("rte", 0): None, ("cb", 0): None}, train=[world.train("lora", 1, None)], seed=1)
    assert target(rows(world)["lora"]).lenient is None


def test_a_second_pipeline_is_the_lenient_score_of_a_task_without_a_reading(world: World) -> None:
    """lm-eval's tasks have a strict and a flexible pipeline: both scores are stored."""
    world.roles = {"rte": {**ABOUT, "lenient": None, "primary": "exact_match"}, "cb": {**ABOUT, "lenient": None}}
    train = world.train("lora", 0, Costs(1.0, 1, 1, 1, 1))
    step = world.store.steps([train])[train]
    key = {"kind": "evaluate", "task": "rte", "shots": 0, "documents": None, "stack": [train]}
    outcome = answered(*RIGHT).outcome("exact_match,strict-match")
    second = ScoreRecord("exact_match,flexible-extract", 75.0, 25.0, 4, False)
    evaluated = world._step(key, f"t 0-shot · {step.title}", replace(outcome, scores=(*outcome.scores, second)))
    world.experiment("lora", {("cb", 0): answered(*RIGHT)}, train=[train])
    (record,) = world.store.experiments("tiny")
    links = world.store.links(record.id)
    world.store.add_experiment(record, [*links, StepLink(evaluated, "evaluate", "rte", 0, len(links))])
    cell = target(rows(world)["lora"])
    assert cell.lenient is not None
    assert (cell.lenient.score.value, cell.lenient.reading) == (75.0, "what the filters 'flexible-extract' read")
