"""A plan tells right answers that miss full marks, and refuses where these are many."""

from __future__ import annotations

from pathlib import Path

import pytest

from suite.tasks.data import DataLocations
from suite.tasks.definition import read_task
from suite.tasks.load import load_task
from tests.cli.calls import light, suite
from tests.planning.own_task import TASK, make_workspace, write


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_workspace(tmp_path)


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
        "accuracy (filter label): '[invalid]' is read from 'maybe'; fix the row, the filter or the metric, or allow "
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


def test_filters_may_be_written_as_names(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    file = folder / "specs" / "tasks" / "mine.yaml"
    filters = '[{function: first_label, labels: ["yes", "no"]}, {function: take_first}]'
    file.write_text(TASK.replace(filters, "[remove_whitespace, take_first]"), encoding="utf-8")
    code, said = planned(capsys, folder)
    assert (code, "error" in said) == (0, False), said
    assert load_task(read_task("mine", [folder / "specs" / "tasks"]), DataLocations((folder / "data",)))
    file.write_text(TASK.replace(filters, "[first_label, take_first]"), encoding="utf-8")
    code, said = planned(capsys, folder)
    assert code == 2
    assert "first_label has no labels" in said


def test_the_check_imports_nothing_that_takes_seconds(folder: Path) -> None:
    file = folder / "specs" / "tasks" / "mine.yaml"
    for text in (
        TASK.replace("accuracy", "rouge2"),
        TASK.replace("metric: accuracy, aggregation: mean", "metric: chrf, aggregation: chrf"),
        TASK.replace("accuracy", "math_equal"),
    ):
        file.write_text(text, encoding="utf-8")
        light("plan", folder / "specs" / "own.yaml", "--data", folder / "data", "--home", folder / "runs")
