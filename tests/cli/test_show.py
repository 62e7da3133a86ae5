"""`suite show NAME`: every score, and the classes of tasks that have labels, as text and as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from suite.results.store import Costs, Store
from tests.analysis.board.tiny_board import World, classified
from tests.cli.calls import suite

PAIRS = [("True", "True"), ("True", "False"), ("True", "[invalid]"), ("False", "False")]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    with Store.open(f"sqlite:///{tmp_path / 'suite.db'}") as store:
        world = World(store)
        world.experiment("lora", {("rte", 0): classified(*PAIRS)}, train=[world.train("lora", 0, Costs(1.0))])
    return tmp_path


def test_show_lists_each_class_and_the_majority_class(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    code, out, _ = suite(capsys, "show", "lora", "--home", home, "--wide")
    assert code == 0
    lines = [line.split() for line in out.splitlines()]
    assert ["rte", "0", "True", "3", "1", "100.0", "33.3", "50.0"] in lines
    assert ["rte", "0", "False", "1", "2", "50.0", "100.0", "66.7"] in lines
    (scores,) = [line for line in out.splitlines() if line.startswith("rte") and "accuracy" in line]
    assert "75.0 (at majority)" in scores
    assert "  58.3 [" in scores


def test_show_json_has_the_confusion_matrix(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    _, out, _ = suite(capsys, "show", "lora", "--home", home, "--json")
    ((row,),) = (each["rows"] for each in json.loads(out))
    classes = row["target_scores"][0]["classes"]
    assert classes["confusion"] == [[1, 1, 1], [0, 1, 0]]
    assert (classes["majority"], classes["majority_share"]) == ("True", 75.0)
    assert classes["classes"][0] == {
        "label": "True", "support": 3, "answered": 1, "precision": 100.0, "recall": pytest.approx(100 / 3), "f1": 50.0,
    }  # fmt: skip
    assert classes["macro_f1"]["value"] == pytest.approx(175 / 3)
