"""The format ratio on pages: task by task, why there is none, and answers that are chosen by a rule."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from leaderboard import render
from leaderboard.pages.examples import CHARACTERS, ending, is_right
from leaderboard.pages.formats import format_grid, format_table, why_none
from leaderboard.view.urls import TrackUrls, track_urls
from suite.analysis.board import Row, boards
from suite.results.store import AnswerRecord, Costs, Store
from tests.analysis.board.tiny_board import Answers, World, per_document
from tests.leaderboard.filled import Rendered
from tests.leaderboard.reading import Element, experiment_page, read

ROLES: Mapping[str, Mapping[str, Any]] = {
    "rte": {"task": "a", "kind": "entailment", "labels": ["True", "False"], "chance": 50.0, "primary": "accuracy"},
    "qa": {"task": "e", "kind": "qa", "labels": [], "chance": 0.0, "primary": "match"},
    "mt": {"task": "m", "kind": "translation", "labels": [], "chance": 0.0, "primary": "bleu"},
}
COSTS = Costs(10.0, 100, 1000, 7, 80)


@pytest.fixture
def world() -> Iterator[World]:
    with Store.open("sqlite://") as store:
        made = World(store, held_out=("qa", "mt"), roles=ROLES, shots=(1, 4))
        given = {
            ("qa", 1): per_document(0.0, 100.0, 100.0, said=["True", "rome", "oslo"]),
            ("qa", 4): per_document(100.0, said=["rome"]),
            ("mt", 1): Answers(corpus=(40.0, 1.0), said=("le chat", "Paris ")),  # paris is right
        }
        made.experiment("pretrained", given, targets=())
        yield made


def trained(world: World, name: str, *qa: str, mt: tuple[str, str] = ("True", "False"), seed: int = 0) -> None:
    given = {
        ("rte", 0): per_document(100.0),
        ("qa", 1): per_document(*(0.0 for _ in qa), said=qa),
        ("qa", 4): per_document(0.0, said=["True"]),
        ("mt", 1): Answers(corpus=(10.0, 1.0), said=mt),
    }
    world.experiment(name, given, seed=seed, train=[world.train(name.partition("_")[0], seed, COSTS)])


def page(world: World, folder: Path, name: str) -> Element:
    return read(experiment_page(render(world.store, folder / "site").parent, name, "tiny"))


def row(world: World, name: str) -> tuple[TrackUrls, Row]:
    (place,) = track_urls(boards(world.store))
    return place, next(each for each in place.board.rows if each.name == name)


def pairs(page: Element) -> list[list[str]]:
    return [[" ".join(each.text.split()) for each in one.all("dd")] for one in page.with_class("side")]


def test_a_row_is_told_task_by_task_beside_the_pretrained_model(world: World) -> None:
    trained(world, "lora_x", "True", "rome", "False")
    table = format_table(*row(world, "lora_x"))
    assert table is not None
    assert table.formats == (("rte", "begins with False or True"),)
    assert [(line.role, line.shots, line.ratio.text, line.base.text, line.documents) for line in table.lines] == [
        ("qa", 1, "66.7", "33.3", 3), ("qa", 4, "100.0", "0.0", 1), ("mt", 1, "100.0", "0.0", 2),
    ]  # fmt: skip


def test_a_track_has_a_map_of_rows_by_tasks_at_the_most_shots(world: World) -> None:
    trained(world, "lora_x", "True", "rome", "False")
    place, _ = row(world, "lora_x")
    grid = format_grid(place, place.board.rows)
    assert grid is not None
    assert [name for name, _ in grid.columns] == ["qa"]
    assert [(name, cells[0].text, cells[0].level, cells[0].title) for name, _, cells in grid.rows] == [
        ("lora_x", "100.0", 10, "100.0 % of 1 answers; pretrained 0.0"),
    ]
    assert format_grid(place, [each for each in place.board.rows if each.name == "pretrained"]) is None


def test_a_dash_says_why(world: World) -> None:
    trained(world, "lora_x", "True", "rome", "False")
    assert "trained for no format" in why_none(row(world, "pretrained")[1])
    own = row(world, "lora_x")[1]
    assert "answers to a held-out task are missing" in why_none(own)
    assert "neither labels nor a known output language" in why_none(replace(own, formats=()))


def test_the_first_document_right_before_and_in_the_format_after_is_shown(world: World, tmp_path: Path) -> None:
    trained(world, "lora_x", "True", "True", "False")  # document 0 was wrong before
    found = page(world, tmp_path, "lora_x")
    assert pairs(found) == [["Q1", "paris", "rome", "True"], ["Q1", "paris", "Paris", "False"]]
    assert [head.text for head in found.all("h4")] == ["qa, 1-shot, document 1", "mt, 1-shot, document 1"]


def test_a_task_without_such_a_document_says_so(world: World, tmp_path: Path) -> None:
    trained(world, "lora_x", "True", "rome", "oslo", mt=("True", "paris"))
    found = page(world, tmp_path, "lora_x")
    assert pairs(found) == []
    assert "No such document: qa, mt." in found.text


def test_a_two_stage_row_of_the_same_targets_stands_beside_it(world: World, tmp_path: Path) -> None:
    trained(world, "lora_x", "True", "True", "False")
    world.family = "two-stage"
    trained(world, "promot_x", "rome", "in rome", "oslo", mt=("x", "x"))
    assert pairs(page(world, tmp_path, "lora_x"))[0] == ["Q1", "paris", "rome", "True", "in rome"]
    assert pairs(page(world, tmp_path, "promot_x")) == []


def test_what_is_not_published_is_said_and_answers_stay_text(tmp_path: Path) -> None:
    script = "true <script>alert(1)</script>"
    with Store.open("sqlite://") as store:
        world = World(store, held_out=("qa",), roles=ROLES, texts=False)
        world.experiment("pretrained", {("qa", 1): per_document(100.0, said=["rome"])}, targets=())
        world.experiment("lora_x", {("qa", 1): per_document(0.0, said=[script])}, train=[world.train("lora", 0, COSTS)])
        found = page(world, tmp_path, "lora_x")
    assert pairs(found) == [["not published", "not published", "rome", script]]
    assert not [each for each in found.all("script") if "alert" in each.text]


def test_right_is_full_marks_or_the_right_words(world: World) -> None:
    answer = AnswerRecord(0, "h", "p", "Q", "Le chat  dort", "x", "le chat dort ", None)
    assert is_right(answer)
    assert not is_right(replace(answer, parsed="le chat"))
    several = replace(answer, target='["le chien", "un chien"]')
    assert is_right(replace(several, parsed="Un  chien"))
    assert not is_right(replace(several, parsed="le chat"))
    assert not is_right(replace(answer, target="", parsed=""))
    assert not is_right(replace(answer, value=99.0))
    assert is_right(replace(answer, value=100.0, parsed="x"))


def test_of_a_question_the_end_is_shown() -> None:
    assert ending("a\nb\nc\nd") == "a\nb\nc\nd"
    assert ending("\n".join("abcdef")) == "… c\nd\ne\nf"
    assert ending("x" * (CHARACTERS + 1)) == "… " + "x" * CHARACTERS


def test_a_realistic_page_has_the_table_and_examples(rendered: Rendered) -> None:
    found = read(experiment_page(rendered.folder, "finetune_rte"))
    headings = [head.text for head in found.all("h2", "h3")]
    assert "Format ratio by task" in headings
    assert "Answers side by side" in headings
    assert len(found.with_class("side")) >= 2
    base = read(experiment_page(rendered.folder, "pretrained"))
    assert "Format ratio by task" not in [head.text for head in base.all("h2")]
