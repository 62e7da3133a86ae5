"""A task of which the model can write no right answer is refused before anything is trained; of some, it is said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from suite.planning import writable
from tests.cli.calls import light, suite
from tests.planning.own_task import TASK, make_workspace, write

LABELS = '["yes", "no"]'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_workspace(tmp_path)


def labelled(folder: Path, first: str, second: str) -> None:
    """The same task with other labels."""
    file = folder / "specs" / "tasks" / "mine.yaml"
    file.write_text(TASK.replace(LABELS, json.dumps([first, second])), encoding="utf-8")
    write(folder, train=[first, second] * 20, test=[first, second] * 5)


def options(folder: Path) -> list[str | Path]:
    return [folder / "specs" / "own.yaml", "--data", folder / "data", "--home", folder / "runs"]


def test_labels_that_the_tokenizer_lacks_are_refused_in_one_line(
    capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    labelled(folder, "billing", "technical")
    for command in ("plan", "run"):
        code, _, err = suite(capsys, command, *options(folder))
        assert code == 2
        assert err == (
            f"error: {folder}/specs/tasks/mine.yaml: micro-llama can write none of the right answers of task 'mine' "
            f"(10 documents): its tokenizer loses them, 'billing' ({folder}/data/mine/test.jsonl:1) is read as "
            "'[invalid]'; name another `model` in the track: the bundled models know only the words of their own "
            "tasks\n"
        )
    assert not (folder / "runs").exists()


def test_answers_that_are_all_over_the_limit_are_refused_with_the_limit_that_they_need(
    capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    labelled(folder, "the dog is ill", "the dog is not ill")
    file = folder / "specs" / "tasks" / "mine.yaml"
    file.write_text(file.read_text().replace("max_gen_toks: 4", "max_gen_toks: 3"), encoding="utf-8")
    code, _, err = suite(capsys, "plan", *options(folder))
    assert code == 2
    assert "'the dog is ill'" in err
    assert "has 4 tokens, and `max_gen_toks` allows 3; raise `max_gen_toks` to 4 or more" in err


def test_a_held_out_task_is_refused_alike_and_only_rows_that_are_reported_count(
    capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    labelled(folder, "billing", "no")
    (folder / "specs" / "own.yaml").write_text("name: own\ntrack: mini\nmethod: {name: lora}\ntargets: [cb]\n")
    track = folder / "specs" / "tracks" / "mini.yaml"
    track.write_text(track.read_text().replace("roles: [cb], shots: [1], documents: 2", "roles: [mine], shots: [1]"))
    assert suite(capsys, "plan", *options(folder))[0] == 0
    code, _, err = suite(capsys, "plan", *options(folder), "--set", "held_out.documents=1")
    assert (code, "of task 'mine' (1 documents)" in err) == (2, True)


def test_a_model_whose_tokenizer_is_no_json_file_is_asked_before_the_first_step(
    capsys: pytest.CaptureFixture[str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    labelled(folder, "billing", "technical")
    monkeypatch.setattr(writable, "round_trip", lambda located: None)
    assert suite(capsys, "plan", *options(folder))[0] == 0
    code, _, err = suite(capsys, "run", *options(folder))
    assert (code, "can write none of the right answers" in err) == (2, True)
    assert not (folder / "runs").exists()


def test_the_plan_imports_nothing_that_takes_seconds_where_answers_can_be_written(folder: Path) -> None:
    light("plan", *options(folder))


def test_answers_that_are_lost_in_part_are_said_by_every_table(
    capsys: pytest.CaptureFixture[str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    labelled(folder, "billing", "no")
    expected = (
        "! mine: the model cannot write the right answers of 5 of 10 documents (its tokenizer lacks them, or "
        "`max_gen_toks` is too small); training does not change that"
    )
    home: list[str | Path] = ["--home", folder / "runs"]
    noted = "note: mine: micro-llama cannot write the right answers of 5 of the first 10 documents"
    assert noted in suite(capsys, "plan", *options(folder))[1]
    for _ in range(2):  # also where all is reused
        code, out, _ = suite(capsys, "run", "-q", *options(folder))
        assert (code, out.count(expected)) == (0, 1), out
    for command in (["show"], ["board"], ["compare", "own", "pretrained"]):
        assert suite(capsys, *command, *home)[1].count(expected) == 1, command
    claims = folder / "claims.yaml"
    claims.write_text("track: mini\nclaims: [{id: kept, says: it keeps, source: me, expect: 'change(own, 1) < 9'}]\n")
    monkeypatch.chdir(folder)
    assert f"{expected} (mini)" in suite(capsys, "check", claims, *home)[1]
    _, out, _ = suite(capsys, "board", "--json", *home)
    (cell,) = json.loads(out)[0]["rows"][-1]["target_scores"]
    assert cell["unwritable"] == 5
