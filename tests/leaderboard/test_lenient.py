"""Score and lenient score on the pages of a task and of an experiment, and in downloads."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from leaderboard import render
from suite.results.store import Costs, Store
from tests.analysis.board.tiny_board import World, classified
from tests.leaderboard.reading import Element, experiment_page, read

RIGHT = ["billing", "outage", "outage", "billing"]
SAID = ["It is billing.", "An outage", "outage", "no idea"]
ABOUT = {
    "task": "t", "kind": "classification", "labels": ["billing", "outage"], "chance": 50.0, "primary": "accuracy",
    "lenient": {"function": "named_label"},
}  # fmt: skip
CAPTION = "Score, lenient score"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Path]:
    with Store.open("sqlite://") as store:
        world = World(store, held_out=("cb",), roles={"rte": ABOUT, "cb": {**ABOUT, "lenient": None}}, shots=(0,))
        for name, said in (("pretrained", SAID), ("lora", RIGHT)):
            train = [] if name == "pretrained" else [world.train(name, 0, Costs(1.0, 1, 1, 1, 1))]
            answers = {
                ("rte", 0): classified(*zip(RIGHT, said, strict=True)),
                ("cb", 0): classified(*zip(RIGHT, RIGHT, strict=True)),
            }
            world.experiment(name, answers, train=train, stack=train)
        yield render(store, tmp_path / "site").parent


def numbers(page: Element) -> list[list[str]]:
    """The first words of each cell of the table: what a reader sees before the interval."""
    (found,) = [
        each for each in page.all("table") if any(told.text.startswith(CAPTION) for told in each.all("caption"))
    ]
    rows = [[cell.text.split() for cell in row.all("th", "td")] for row in found.all("tr")][1:]
    return [[*(cell[0] for cell in row[:5]), " ".join(row[5])] for row in rows]


def test_an_experiment_page_has_score_and_lenient_score_and_what_is_format(site: Path) -> None:
    page = read(experiment_page(site, "lora", "tiny"))
    assert numbers(page) == [["rte", "0", "100.0", "100.0", "+50.0", "the first label anywhere"]]


def test_a_task_page_has_them_of_all_rows(site: Path) -> None:
    rows = {row[0]: row[1:5] for row in numbers(read(site / "tasks/tiny/rte.html"))}
    assert rows == {"pretrained": ["0", "25.0", "75.0", "–"], "lora": ["0", "100.0", "100.0", "+50.0"]}


def test_a_task_without_a_lenient_reading_has_no_table(site: Path) -> None:
    assert "enient" not in read(site / "tasks/tiny/cb.html").text


def test_downloads_have_the_lenient_score(site: Path) -> None:
    text = (site / "data/tiny.csv").read_text(encoding="utf-8")
    rows = {row["name"]: row for row in csv.DictReader(io.StringIO(text))}
    assert [rows["lora"][f"target.rte.{name}"] for name in ("lenient", "format_gain")] == ["100.0", "50.0"]
    assert "cb.0.lenient" not in rows["lora"]
    board = json.loads((site / "data/tiny.json").read_text(encoding="utf-8"))
    cell = next(row for row in board["rows"] if row["name"] == "lora")["target_scores"][0]["lenient"]
    assert (cell["reading"], cell["format_gain"]["value"]) == ("the first label anywhere", 50.0)
