"""The format ratio by hand: of labels, of a language, of both, by task, and beside the pretrained model's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from suite.analysis.board import Row, board
from suite.results.store import Costs
from tests.analysis.board.tiny_board import Answers, World, per_document

ROLES: Mapping[str, Mapping[str, Any]] = {
    "rte": {"task": "a", "kind": "entailment", "labels": ["True", "False"], "chance": 50.0, "primary": "accuracy"},
    "fr": {"task": "b", "kind": "translation", "labels": [], "chance": 0.0, "primary": "bleu", "language": "fr"},
    "de": {"task": "c", "kind": "translation", "labels": [], "chance": 0.0, "primary": "match", "language": "de"},
    "sum": {"task": "d", "kind": "summarisation", "labels": [], "chance": 0.0, "primary": "match", "language": "en"},
    "qa": {"task": "e", "kind": "qa", "labels": [], "chance": 0.0, "primary": "match", "language": "en"},
}
FRENCH, GERMAN = "la maison est sur la colline", "das haus steht auf dem hügel"
ENGLISH = "the house is on the hill"
COSTS = Costs(10.0, 100, 1000, 7, 80)


def said(*texts: str) -> Answers:
    return per_document(*(0.0 for _ in texts), said=texts)


@pytest.fixture
def others(world: World) -> World:
    world.held_out, world.roles = ("de", "sum", "qa"), ROLES
    base = {("de", 1): said(GERMAN, FRENCH), ("sum", 1): said(ENGLISH, ENGLISH), ("qa", 1): said("paris", "True")}
    world.experiment("pretrained", base, targets=())
    return world


def trained(world: World, targets: tuple[str, ...], *, seed: int = 0, **answers: Answers) -> Row:
    given = {(role, 1): each for role, each in answers.items()}
    world.experiment("lora_x", given, targets=targets, seed=seed, train=[world.train("lora", seed, COSTS)])
    return next(row for row in board(world.store, "tiny").rows if row.name == "lora_x")


DE, SUM, QA = said(FRENCH, FRENCH), said(FRENCH, "la maison"), said("false", FRENCH)


def values(row: Row) -> list[tuple[str, float | None, float | None, int]]:
    return [
        (each.role, each.ratio.value if each.ratio else None, each.base.value if each.base else None, each.documents)
        for each in row.format_by_task
    ]


def test_of_a_translation_it_is_the_share_of_sentences_in_its_language(others: World) -> None:
    row = trained(others, ("fr",), de=DE, sum=SUM, qa=QA)
    assert values(row) == [("de", 100, 50, 2), ("sum", 50, 0, 2)]  # two words have no language; qa's are too short
    assert row.format_ratio is not None
    assert row.base_format_ratio is not None
    assert (row.format_ratio.value, row.base_format_ratio.value) == (75, 25)


def test_of_labels_it_is_the_share_that_begins_with_one(others: World) -> None:
    row = trained(others, ("rte",), de=DE, sum=SUM, qa=QA)
    assert values(row) == [("de", 0, 0, 2), ("sum", 0, 0, 2), ("qa", 50, 50, 2)]


def test_of_several_targets_an_answer_takes_any_that_its_task_does_not_have(others: World) -> None:
    row = trained(others, ("rte", "fr"), de=DE, sum=said("True", FRENCH), qa=QA)
    assert values(row) == [("de", 100, 50, 2), ("sum", 100, 0, 2), ("qa", 50, 50, 2)]  # French is not looked for in qa
    assert [each.told() for each in row.formats] == ["begins with False or True", "is in fr"]


def test_a_task_over_seeds_varies_with_them(others: World) -> None:
    trained(others, ("fr",), de=DE, sum=SUM, qa=QA)
    row = trained(others, ("fr",), seed=1, de=said(GERMAN, GERMAN), sum=SUM, qa=QA)
    first = row.format_by_task[0].ratio
    assert first is not None
    assert (first.value, first.over) == (50, "documents and seeds")


def test_seeds_that_agree_leave_it_as_open_as_the_documents_do(others: World) -> None:
    """Every seed by itself has no such answer: that is no proof that there are none."""
    for seed in (0, 1, 2):
        row = trained(others, ("fr",), seed=seed, de=said(*[GERMAN] * 60), sum=said(*[ENGLISH] * 60))
    found = row.format_ratio
    assert found is not None
    assert (found.value, found.low, found.over) == (0, 0, "documents and seeds")
    assert found.high == pytest.approx(100 * (1 - 0.025 ** (1 / 120)))
    task = row.format_by_task[0].ratio
    assert task is not None
    assert task.high == pytest.approx(100 * (1 - 0.025 ** (1 / 60)))


def test_the_pretrained_models_share_is_known_only_where_it_was_asked_the_same(others: World) -> None:
    others.documents = 2
    row = trained(others, ("fr",), de=DE, sum=SUM, qa=QA)
    assert [each.base for each in row.format_by_task] == [None, None]


def test_choices_by_likelihood_are_not_looked_at(others: World) -> None:
    others.roles = {**ROLES, "qa": {**ROLES["qa"], "output_type": "multiple_choice"}}
    row = trained(others, ("rte",), de=DE, sum=SUM, qa=said("[-1.0, -2.0]", "[-2.0, -1.0]"))
    assert [each.role for each in row.format_by_task] == ["de", "sum"]


def test_it_is_undefined_until_all_is_answered(others: World) -> None:
    row = trained(others, ("fr",), de=DE)
    assert row.format_ratio is not None  # nothing else was asked
    given: dict[tuple[str, int], Answers | None] = {("de", 1): replace(DE, values=(0.0, 1.0)), ("sum", 1): None}
    others.experiment("lora_y", given, targets=("fr",), train=[others.train("lora", 7, COSTS)])
    row = next(row for row in board(others.store, "tiny").rows if row.name == "lora_y")
    assert (row.format_ratio, row.format_by_task) == (None, ())


def test_the_pretrained_model_is_trained_for_no_format(others: World) -> None:
    others.experiment("pretrained", {("de", 1): said(GERMAN)}, targets=("rte", "fr"))
    assert not any(row.format_by_task for row in board(others.store, "tiny").rows)
