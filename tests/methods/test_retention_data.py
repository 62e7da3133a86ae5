"""Retention data: a method trains on it, plans name it, and reported rows may not be in it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from suite.planning import Inputs, Train, make_plan
from suite.specs import load
from suite.tasks.data import DataLocations
from tests.cli.calls import SMALL, suite

DOCS = (Path(__file__).parents[2] / "docs" / "methods.md").read_text(encoding="utf-8")
TASK = """\
task: own_documents
training_split: train
test_split: train
doc_to_text: ""
doc_to_target: "{{text}}"
generation_kwargs: {until: ["\\n\\n"], max_gen_toks: 8}
metric_list: [{metric: exact_match, aggregation: mean, higher_is_better: true}]
metadata: {folder: own_documents}
"""
TRACK = "extends: micro\nname: keeping\nretention: own_documents\nmethods: {replay: {steps: 2, documents: 3}}\n"
TEXTS = ("the eagle eats mice .", "paris is in france .", "the hammer is a tool .", "the tiger is a cat .")


def keeping(folder: Path, *texts: str) -> Path:
    """A spec of the method of docs/methods.md on a track with these documents; returns the spec."""
    written = re.search(r"```python methods/replay.py\n(.*?)```", DOCS, re.DOTALL)
    assert written
    rows = "".join(json.dumps({"text": text}) + "\n" for text in texts)
    files = {
        "methods/replay.py": written[1], "tasks/own_documents.yaml": TASK, "tracks/keeping.yaml": TRACK,
        "own.yaml": "name: own\ntrack: keeping\ntargets: [rte]\nmethod: {name: replay}\n",
        "data/own_documents/train.jsonl": rows,
    }  # fmt: skip
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder / "own.yaml"


def key_of(spec: Path) -> Any:
    inputs = Inputs(DataLocations((spec.parent / "data",)))
    (step,) = [step for step in make_plan(load([spec]), inputs).steps if isinstance(step.work, Train)]
    return step.key


def test_a_method_trains_on_retention_data(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = keeping(tmp_path, *TEXTS)
    code, _, err = suite(capsys, "run", spec, "--home", tmp_path / "home", "--data", tmp_path / "data", *SMALL)
    assert code == 0, err


def test_other_documents_make_another_step(tmp_path: Path) -> None:
    before = key_of(keeping(tmp_path / "a", *TEXTS))
    after = key_of(keeping(tmp_path / "b", *TEXTS[:3], "the lion is a cat ."))
    assert before["retention"]["task"] == after["retention"]["task"]
    assert before["retention"]["data"] != after["retention"]["data"]


def test_methods_that_do_not_use_it_have_no_part_of_it(tmp_path: Path) -> None:
    spec = keeping(tmp_path, *TEXTS)
    spec.write_text("name: own\ntrack: keeping\ntargets: [rte]\nmethod: {name: finetune}\n")
    assert "retention" not in key_of(spec)


def refused(capsys: pytest.CaptureFixture[str], spec: Path, *more: str) -> str:
    code, _, err = suite(capsys, "plan", spec, "--data", spec.parent / "data", *more)
    (line,) = err.splitlines()
    assert code == 2
    return line


def test_a_track_without_it_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = keeping(tmp_path, *TEXTS)
    (tmp_path / "tracks" / "keeping.yaml").write_text(TRACK.replace("retention: own_documents\n", ""))
    line = refused(capsys, spec)
    assert "replay trains on retention data, and track 'keeping' has none; name a task" in line


def test_a_name_without_a_task_is_refused_at_its_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = keeping(tmp_path, *TEXTS)
    (tmp_path / "tracks" / "keeping.yaml").write_text(TRACK.replace("own_documents", "own_document"))
    line = refused(capsys, spec)
    assert "keeping.yaml:3: retention: " in line
    assert "'own_document'" in line


def test_a_reported_row_within_a_document_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = Path(__file__).parents[2] / "suite" / "micro" / "data" / "micro_triviaqa" / "test.jsonl"
    question = json.loads(file.read_text(encoding="utf-8").splitlines()[2])["question"]
    spec = keeping(tmp_path, *TEXTS, f"Q: who eats mice A: eagle\n\nQ: {question} A: nobody")
    line = refused(capsys, spec)
    assert "retention: 'own_documents' contains 1 row that 'micro_triviaqa' reports, first" in line
    assert "train.jsonl:5" in line
