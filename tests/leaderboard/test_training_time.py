"""What an experiment's page says of where the time of training went."""

from __future__ import annotations

from pathlib import Path

from leaderboard import render
from suite.results.store import Costs, FindingRecord, Store
from tests.analysis.board.tiny_board import World
from tests.analysis.claims.test_judge import right
from tests.leaderboard.reading import read


def page(tmp_path: Path, **seconds: float | None) -> list[list[str]]:
    """The cells of the table of phases, its head first; none without a table."""
    findings = (FindingRecord("training_time", seconds),) if seconds else ()
    with Store.open("sqlite://") as store:
        world = World(store, held_out=("qa",))
        world.experiment("pretrained", {("qa", 1): right(0.5)}, targets=())
        train = [world.train("svf_a", 0, Costs(130.0, 100, 1000, 7, 80), findings=findings)]
        world.experiment("svf_a", {("rte", 0): right(0.9), ("qa", 1): right(0.5)}, train=train)
        folder = render(store, tmp_path / "site").parent
    (file,) = folder.glob("**/svf_a*.html")
    tables = [each for each in read(file).all("table") if each.all("caption")[0].text.startswith("Time by phase of")]
    return [[cell.text for cell in (*row.all("th"), *row.all("td"))] for each in tables for row in each.all("tr")]


def test_sampling_and_updates_are_told_apart(tmp_path: Path) -> None:
    found = page(tmp_path, sampling=100.4, update=20.0, selection=3.14, probes=0.0)
    assert found == [
        ["Seed", "Sampling answers", "Updates", "Selection"],
        ["seed 0", "1.7 min", "20 s", "3.1 s"],
    ]


def test_training_on_right_answers_samples_nothing(tmp_path: Path) -> None:
    assert page(tmp_path, sampling=None, update=20.0) == [["Seed", "Updates"], ["seed 0", "20 s"]]


def test_an_early_stop_is_shown_with_its_reason(tmp_path: Path) -> None:
    stop = {"reason": "patience", "step": 40, "steps": 200, "best_step": 20, "selections": 2}
    with Store.open("sqlite://") as store:
        world = World(store, held_out=("qa",))
        world.experiment("pretrained", {("qa", 1): right(0.5)}, targets=())
        train = [
            world.train("lora_a", 0, Costs(130.0, 100, 1000, 7, 80), findings=(FindingRecord("early_stop", stop),))
        ]
        world.experiment("lora_a", {("rte", 0): right(0.9), ("qa", 1): right(0.5)}, train=train)
        folder = render(store, tmp_path / "site").parent
    (file,) = folder.glob("**/lora_a*.html")
    says = "Seed 0 stopped after step 40 of 200: 2 selections without a better score than at step 20."
    assert says in [paragraph.text for paragraph in read(file).all("p")]


def test_where_it_is_not_known_nothing_is_said(tmp_path: Path) -> None:
    assert page(tmp_path) == []
