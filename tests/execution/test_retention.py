"""`budget.keep_artifacts`: what a run deletes as soon as no planned step needs it, and what stays."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.cli.calls import SMALL, suite

QUICK = [*SMALL, "--set", "method.steps=4"]
NONE = ["--set", "budget.keep_artifacts=none"]


def rows(home: Path, query: str) -> list[tuple[Any, ...]]:
    with sqlite3.connect(home / "suite.db") as connection:
        return connection.execute(query).fetchall()


def here(home: Path) -> list[str]:
    """The titles of the steps whose artifact is on disk, and known to be."""
    stored = rows(home, "SELECT title, id FROM step JOIN artifact ON id = step_id WHERE path <> '' ORDER BY title")
    assert sorted(step for _, step in stored) == sorted(each.name for each in (home / "artifacts").iterdir())
    return [title.partition(" ·")[0] for title, _ in stored]


def run(capsys: pytest.CaptureFixture[str], home: Path, *arguments: str) -> str:
    code, out, err = suite(capsys, "run", *arguments, "--home", home)
    assert code == 0, err
    return out + err


def test_without_the_field_everything_stays_and_with_it_the_scores_are_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    row = ["specs/promot_rte.yaml", "--track=micro", *QUICK, "--set", "method.stage_one.steps=4"]
    scores = "SELECT title, metric, value FROM score JOIN step ON id = step_id ORDER BY 1, 2"
    run(capsys, tmp_path / "all", *row)
    assert here(tmp_path / "all") == ["train promot on rte", "train prompt_tuning on rte"]
    said = run(capsys, tmp_path / "none", *row, *NONE)
    assert here(tmp_path / "none") == []
    assert said.count("deleted (budget.keep_artifacts)") == 2
    # the prompt answers the target alone; the weights answer all tasks
    assert (
        said.index("micro_rte 0-shot · prompt_tuning")
        < said.index("1 artifact of ")
        < said.index("micro_cb 1-shot · promot")
    )
    assert rows(tmp_path / "none", scores) == rows(tmp_path / "all", scores)
    assert "0 steps done" in run(capsys, tmp_path / "none", *row, *NONE)


def test_tries_go_once_one_is_chosen(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sweep = ["--set", "sweep.learning_rate=[1e-4,1e-3]", "--set", "budget.keep_artifacts=reported"]
    said = run(capsys, tmp_path, "specs/lora_rte.yaml", "--track=micro", *QUICK, *sweep)
    assert here(tmp_path) == ["choose lora on rte, best of 2"]
    assert "2 artifacts of " in said


def test_of_several_seeds_the_one_stays_that_is_saved(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = tmp_path / "home"
    run(
        capsys,
        home,
        "specs/lora_rte.yaml",
        "--track=micro",
        *QUICK,
        "--seeds",
        "0,1,2",
        "--set",
        "budget.keep_artifacts=best",
    )
    assert here(home) == ["train lora on rte"]
    code, _, err = suite(capsys, "save", "lora_rte", tmp_path / "saved", "--home", home)
    assert code == 0, err


def test_an_artifact_of_a_row_that_keeps_it_stays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    length = ["--set", "method.length=8", "--set", "method.steps=4"]
    run(capsys, tmp_path, "specs/prompt_tuning_rte.yaml", "--track=micro", *SMALL, *length)
    nested = ["--set", "method.stage_one.length=8", "--set", "method.stage_one.steps=4", "--set", "method.steps=4"]
    said = run(capsys, tmp_path, "specs/promot_rte.yaml", "--track=micro", *SMALL, *nested, *NONE)
    assert here(tmp_path) == ["train prompt_tuning on rte"]
    assert "1 artifact of 7.8 MB deleted" in said


def test_what_was_deleted_is_trained_again_for_another_task_and_deleted_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    row = ["specs/lora_rte.yaml", "--track=micro", *QUICK, *NONE]
    run(capsys, tmp_path, *row)
    said = run(capsys, tmp_path, *row, "--set", "held_out.roles=[triviaqa, cb, wic]")
    assert "train lora on rte · micro · seed 0: done again, for its artifact was deleted" in said
    assert here(tmp_path) == []
    assert rows(tmp_path, "SELECT DISTINCT status FROM step") == [("done",)]
    run(capsys, tmp_path, *row, "--restore")
    assert here(tmp_path) == ["train lora on rte"]


def test_a_look_that_took_long_is_not_repeated_soon_but_the_last_one_finds_everything(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("suite.execution.retention.QUICK_SECONDS", 0.0)
    monkeypatch.setattr("suite.execution.retention.PAUSE", 1e9)
    row = ["specs/promot_rte.yaml", "--track=micro", *QUICK, "--set", "method.stage_one.steps=4"]
    said = run(capsys, tmp_path, *row, *NONE)
    assert here(tmp_path) == []
    assert said.count("2 artifacts of ") == said.count("deleted (budget.keep_artifacts)") == 1
