"""A label in the data that the task does not list is refused by the plan, with its row and the known labels."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.calls import light
from tests.planning.test_gold import TASK, folder, planned, write

__all__ = ["folder"]
LISTED = TASK.replace("{folder: mine}", '{folder: mine, kind: classification, labels: ["half-true", "the dog"]}')


@pytest.fixture(autouse=True)
def task(folder: Path) -> Path:
    file = folder / "specs" / "tasks" / "mine.yaml"
    file.write_text(LISTED.replace('["yes", "no"]', '["half-true", "the dog"]'), encoding="utf-8")
    write(folder, train=["half-true"] * 40, test=["the dog", "Half-True", " half-true", "the  dog"])
    return file


def test_labels_that_are_listed_pass_however_they_are_written(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    assert planned(capsys, folder)[0] == 0
    light("plan", folder / "specs" / "own.yaml", "--data", folder / "data", "--home", folder / "runs")


def test_an_unknown_label_of_reported_rows_is_refused_with_its_row(
    capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    write(folder, test=["the dog"] * 6 + ["the-dog", "half-true", "the-dog"])
    code, said = planned(capsys, folder)
    assert code == 2
    assert (
        f"error: {folder}/data/mine/test.jsonl:7: task 'mine' does not list the label 'the-dog' (2 rows of "
        "mine/test.jsonl); did you mean 'the dog'? known: half-true, the dog; or add it to `metadata.labels` "
        f"({folder}/specs/tasks/mine.yaml:9) and to the labels of the filter first_label (line 7)"
    ) in said
    assert not (folder / "runs").exists()


def test_each_unknown_label_of_trained_rows_is_told_once(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    write(folder, train=["half-true"] * 30 + ["false", "true", "true", "false"])
    code, said = planned(capsys, folder)
    assert code == 2
    assert f"{folder}/data/mine/train.jsonl:31: task 'mine' does not list the label 'false' (2 rows" in said
    assert f"{folder}/data/mine/train.jsonl:32: task 'mine' does not list the label 'true' (2 rows" in said
    assert said.count("does not list the label") == 2


def test_of_many_unknown_labels_some_are_listed_and_the_rest_is_counted(
    capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    write(folder, test=[f"a text {number}" for number in range(9)])
    _, said = planned(capsys, folder)
    assert said.count("does not list the label") == 5
    assert "task 'mine' does not list 4 more labels of mine/test.jsonl" in said


def test_numbers_of_json_are_the_labels_that_they_stand_for(
    capsys: pytest.CaptureFixture[str], folder: Path, task: Path
) -> None:
    task.write_text(task.read_text().replace('"half-true", "the dog"', '"0", "1"'), encoding="utf-8")
    write(folder, train=[0, 1, 1.0, True, False, "1"] * 5, test=[0, 1.0])
    assert planned(capsys, folder)[0] == 0
    write(folder, test=[0, 2])
    code, said = planned(capsys, folder)
    assert code == 2
    assert "test.jsonl:2: task 'mine' does not list the label '2' (1 row of mine/test.jsonl); known: 0, 1" in said


def test_labels_that_no_filter_reads_are_refused(capsys: pytest.CaptureFixture[str], folder: Path, task: Path) -> None:
    task.write_text(task.read_text().replace('["half-true", "the dog"]}\n', '["half-true", "the dog", "sales"]}\n'))
    code, said = planned(capsys, folder)
    assert code == 2
    assert (
        f"{task}:9: roles.mine: metadata.labels: no filter reads 'sales' from an answer, so it would never be right; "
        "add it to the `labels` of the filter, too"
    ) in said
