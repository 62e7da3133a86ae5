"""Pages, downloads and the terminal say how many documents of a task are different."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from leaderboard.build.writer import render
from suite.analysis.board import board
from suite.cli.commands.results import details
from suite.results.store import Costs, Store
from tests.analysis.board.tiny_board import Answers, World, per_document

COSTS = Costs(10.0, 100, 1000, 7, 80)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    with Store.open(f"sqlite:///{folder / 'suite.db'}") as store:
        world = World(store, held_out=("qa",))
        values, names = (100.0, 0.0, 100.0, 0.0) * 4, tuple("abcd" * 4)
        world.experiment("pretrained", {("qa", 1): Answers(values, names=names)}, targets=())
        train = [world.train("lora", 0, COSTS)]
        answers = {("rte", 0): per_document(*values), ("qa", 1): Answers(values, names=names)}
        world.experiment("lora_rte", answers, train=train)
        (folder / "details.txt").write_text("\n".join(details(board(store, "tiny").rows[1])), encoding="utf-8")
        render(store, folder / "site")
    return folder


def test_pages_say_how_many_documents_are_repeated(site: Path) -> None:
    track, task = (
        (site / "site" / page).read_text(encoding="utf-8") for page in ("tracks/tiny.html", "tasks/tiny/qa.html")
    )
    assert "12 repeated" in track
    assert "12 repeated" in task
    assert "16 documents, 4 of them different; in the interval, equal ones count as one" in task


def test_downloads_and_the_terminal_say_how_many_documents_are_different(site: Path) -> None:
    data = site / "site" / "data"
    line = list(csv.DictReader(io.StringIO((data / "tiny.csv").read_text(encoding="utf-8"))))[1]
    assert (line["qa.1.documents"], line["qa.1.distinct"], line["target.rte.distinct"]) == ("16", "4", "16")
    row = json.loads((data / "tiny.json").read_text(encoding="utf-8"))["rows"][1]
    assert [cell["distinct"] for cell in (*row["target_scores"], *row["held_out"])] == [16, 4]
    lines = (site / "details.txt").read_text(encoding="utf-8").splitlines()
    assert "16 (4 distinct)" in next(line for line in lines if line.startswith("qa"))
