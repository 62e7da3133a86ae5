"""Classes on pages: precision, recall and F1 of each, the confusion matrix, and the majority class as the baseline."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from leaderboard import render
from leaderboard.pages.classes import MOST
from suite.results.store import Costs, Store
from tests.analysis.board.tiny_board import World, classified, per_document
from tests.leaderboard.reading import Element, experiment_page, read

LABELS = ["half-true", "pants on <b>fire", "C++"]
PAIRS = [
    ("half-true", "half-true"), ("half-true", "pants on <b>fire"), ("half-true", "[invalid]"), ("C++", "C++"),
    ("pants on <b>fire", "half-true"),
]  # fmt: skip


@pytest.fixture
def world() -> Iterator[World]:
    about = {"task": "a", "kind": "classification", "labels": LABELS, "chance": None, "primary": "accuracy"}
    with Store.open("sqlite://") as store:
        yield World(store, held_out=("qa",), roles={"rte": about, "qa": {**about, "labels": []}})


def add(world: World, pairs: list[tuple[str, str]]) -> None:
    steps = [world.train("lora", 0, Costs(10.0, 100, 1000, 7, 80))]
    world.experiment("lora_rte", {("rte", 0): classified(*pairs), ("qa", 1): per_document(100.0)}, train=steps)


def table(page: Element, caption: str) -> list[list[str]]:
    """A table's rows as texts, its head first."""
    (found,) = [
        each for each in page.all("table") if any(told.text.startswith(caption) for told in each.all("caption"))
    ]
    return [[cell.text for cell in row.all("th", "td")] for row in found.all("tr")]


def test_an_experiment_page_has_each_class_and_the_confusion_matrix_escaped(world: World, tmp_path: Path) -> None:
    add(world, PAIRS)
    page = read(experiment_page(render(world.store, tmp_path / "site").parent, "lora_rte", "tiny"))
    assert table(page, "Precision, recall and F1 by class: rte")[1:] == [
        ["half-true", "3", "2", "50.0", "33.3", "40.0"],
        ["pants on <b>fire", "1", "1", "0.0", "0.0", "0.0"],
        ["C++", "1", "1", "100.0", "100.0", "100.0"],
    ]
    assert table(page, "Confusion matrix: rte") == [
        ["Right class", *LABELS, "none of these"],
        ["half-true", "1", "1", "0", "1"],
        ["pants on <b>fire", "1", "0", "0", "0"],
        ["C++", "0", "0", "1", "0"],
    ]
    assert "half-true, 60.0" in page.text
    assert "≤ majority" in page.text


def test_a_task_page_has_rows_by_classes_beside_the_majority_class(world: World, tmp_path: Path) -> None:
    add(world, PAIRS)
    page = read(render(world.store, tmp_path / "site").parent / "tasks/tiny/rte.html")
    head, row, majority = table(page, "Macro-F1 and F1 by class")
    assert head == ["Experiment", "Macro-F1", *LABELS]
    assert row[0] == "lora_rte"
    assert row[1].startswith("46.7")
    assert majority == ["always half-true", "25.0", "75.0", "0.0", "0.0"]
    assert any("half-true (60.0 %)" in each.text for each in page.all("dd"))


def test_a_score_that_the_majority_class_would_get_too_is_marked(world: World, tmp_path: Path) -> None:
    pairs = [("half-true", "half-true")] * 8 + [("C++", "half-true")] * 2
    add(world, pairs)
    site = render(world.store, tmp_path / "site").parent
    for page in ("tracks/tiny.html", "tasks/tiny/rte.html"):
        assert "≤ majority" in [each.text for each in read(site / page).with_class("note")]


def test_a_task_without_labels_has_no_classes(world: World, tmp_path: Path) -> None:
    add(world, PAIRS)
    page = read(render(world.store, tmp_path / "site").parent / "tasks/tiny/qa.html")
    assert "Macro-F1" not in page.text


def test_many_classes_are_mistakes_on_the_page_and_a_matrix_in_the_download(world: World, tmp_path: Path) -> None:
    many = [f"class {number}" for number in range(MOST + 1)]
    world.roles = {**world.roles, "rte": {**world.roles["rte"], "labels": many}}
    add(world, [*((label, label) for label in many), ("class 1", "class 2"), ("class 1", "who knows")])
    site = render(world.store, tmp_path / "site").parent
    page = read(experiment_page(site, "lora_rte", "tiny"))
    assert table(page, "Most frequent mistakes")[1:] == [
        ["class 1", "class 2", "1"], ["class 1", "none of these", "1"],
    ]  # fmt: skip
    (file,) = site.glob("classes/*/*.csv")
    lines = list(csv.reader(io.StringIO(file.read_text(encoding="utf-8"))))
    assert ["rte", "0", "class 1", "class 2", "1"] in lines
    assert ["rte", "0", "class 1", "", "1"] in lines
    assert len(lines) == 1 + len(many) + 2


def test_downloads_of_a_track_have_macro_f1_and_the_majority_class(world: World, tmp_path: Path) -> None:
    add(world, PAIRS)
    site = render(world.store, tmp_path / "site").parent
    (listed,) = csv.DictReader(io.StringIO((site / "data/tiny.csv").read_text(encoding="utf-8")))
    assert float(listed["target.rte.macro_f1"]) == pytest.approx(140 / 3)
    assert float(listed["target.rte.majority"]) == 60.0
    assert "qa.1.macro_f1" not in listed
    (row,) = json.loads((site / "data/tiny.json").read_text(encoding="utf-8"))["rows"]
    assert row["target_scores"][0]["classes"]["majority"] == {"class": "half-true", "share": 60.0}
    assert "classes" not in row["held_out"][0]


def test_files_of_classes_stay_while_nothing_changes(world: World, tmp_path: Path) -> None:
    add(world, PAIRS)
    site = render(world.store, tmp_path / "site").parent
    (file,) = site.glob("classes/*/*.csv")
    before = file.stat().st_ino
    render(world.store, site)
    assert file.stat().st_ino == before
