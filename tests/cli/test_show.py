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


def test_show_has_the_lenient_score_beside_the_score(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    about = {"task": "t", "kind": "qa", "labels": [], "chance": None, "primary": "exact_match"}
    lenient = {**about, "lenient": {"function": "last_number"}}
    with Store.open(f"sqlite:///{tmp_path / 'suite.db'}") as store:
        world = World(store, held_out=(), roles={"rte": lenient})
        world.experiment("pretrained", {("rte", 0): classified(("8", "It is 8."), ("9", "9"), ("7", "no"))})
        world.experiment(
            "lora",
            {("rte", 0): classified(("8", "8"), ("9", "9"), ("7", "no"))},
            train=[world.train("lora", 0, Costs(1.0))],
        )
    code, out, _ = suite(capsys, "show", "lora", "--home", tmp_path, "--wide")
    assert code == 0
    (head,) = [line.split() for line in out.splitlines() if line.startswith("task") and "metric" in line]
    assert head[3:6] == ["score", "lenient", "format"]
    (line,) = [line for line in out.splitlines() if line.startswith("rte") and "exact_match" in line]
    assert line.count("66.7 [") == 2
    assert "  +33.3" in line
    assert "lenient: the last number also counts as the answer to rte" in out
    assert "format: points of the change from the pretrained model" in out
