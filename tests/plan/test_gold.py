"""A plan tells right answers that miss full marks, and refuses where these are many."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli import light, suite

TASK = """\
task: mine
training_split: train
test_split: test
doc_to_text: "{{text}} answer:"
doc_to_target: "{{label}}"
generation_kwargs: {until: ["\\n\\n"], max_gen_toks: 4}
filter_list: [{name: label, filter: [{function: first_label, labels: ["yes", "no"]}, {function: take_first}]}]
metric_list: [{metric: accuracy, aggregation: mean, higher_is_better: true}]
metadata: {folder: mine}
"""
TRACK = """\
name: mini
title: mini
model: {bundled: micro-llama}
roles: {mine: mine, cb: micro_cb}
held_out: {roles: [cb], shots: [1], documents: 2}
target: {shots: 0}
selection: {documents: 4}
seeds: [0]
budget: {batch_size: 4, max_length: 128}
methods: {lora: {steps: 2, learning_rate: 1e-3, rank: 2}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A workspace with a task, a track and a spec, and right rows: 40 to train on and 10 to report."""
    for name, text in (("tasks/mine", TASK), ("tracks/mini", TRACK)):
        file = tmp_path / "specs" / f"{name}.yaml"
        file.parent.mkdir(parents=True)
        file.write_text(text, encoding="utf-8")
    (tmp_path / "specs" / "own.yaml").write_text("name: own\ntrack: mini\nmethod: {name: lora}\ntargets: [mine]\n")
    write(tmp_path, train=["yes"] * 40, test=["no"] * 10)
    return tmp_path


def write(folder: Path, **splits: list[object]) -> None:
    place = folder / "data" / "mine"
    place.mkdir(parents=True, exist_ok=True)
    for split, labels in splits.items():
        lines = [json.dumps({"text": f"{split} {number}", "label": each}) for number, each in enumerate(labels)]
        (place / f"{split}.jsonl").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def planned(capsys: pytest.CaptureFixture[str], folder: Path) -> tuple[int, str]:
    code, out, err = suite(
        capsys, "plan", folder / "specs" / "own.yaml", "--data", folder / "data", "--home", folder / "runs"
    )
    return code, " ".join(f"{out} {err}".split())


def test_right_answers_that_get_full_marks_are_passed_in_silence(
    capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    code, said = planned(capsys, folder)
    assert code == 0
    assert "full marks" not in said


def test_too_many_that_miss_are_refused_in_one_line(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    write(folder, test=["no", "maybe", "maybe", *["no"] * 7])
    code, said = planned(capsys, folder)
    assert code == 2
    assert (
        f"error: {folder}/data/mine/test.jsonl:2: mine: 2 of 10 right answers of mine/test.jsonl miss full marks in "
        "accuracy (filter label): '[invalid]' is read from 'maybe'; mend the row, the filter or the metric, or allow "
        "it: `metadata: {gold_misses: 0.2}`"
    ) in said
    assert not (folder / "runs").exists()


def test_what_a_task_allows_is_told(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    write(folder, train=["maybe", *["yes"] * 39])
    file = folder / "specs" / "tasks" / "mine.yaml"
    file.write_text(TASK.replace("{folder: mine}", "{folder: mine, gold_misses: 0.05}"), encoding="utf-8")
    code, said = planned(capsys, folder)
    assert code == 0
    told = "mine: 1 of 40 right answers of mine/train.jsonl misses full marks in accuracy (filter label): "
    assert f"{told}'[invalid]' is read from 'maybe', first {folder}/data/mine/train.jsonl:1" in said


def test_rows_without_an_answer_are_all_named_at_once(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    write(folder, train=["yes", None, *["yes"] * 9], test=["no", ""])
    code, said = planned(capsys, folder)
    assert code == 2
    assert f"{folder}/data/mine/train.jsonl:2: doc_to_target of task 'mine' gives None" in said
    assert f"{folder}/data/mine/test.jsonl:2: doc_to_target of task 'mine' gives an empty answer" in said


def test_the_check_imports_nothing_that_takes_seconds(folder: Path) -> None:
    file = folder / "specs" / "tasks" / "mine.yaml"
    for text in (
        TASK.replace("accuracy", "rouge2"),
        TASK.replace("metric: accuracy, aggregation: mean", "metric: chrf, aggregation: chrf"),
        TASK.replace("accuracy", "math_equal"),
    ):
        file.write_text(text, encoding="utf-8")
        light("plan", folder / "specs" / "own.yaml", "--data", folder / "data", "--home", folder / "runs")
