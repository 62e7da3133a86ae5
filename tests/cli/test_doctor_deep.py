"""`suite doctor --deep` and the warnings of what shows results: nothing that was changed goes by without a word."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest

from tests.cli.calls import SMALL, start, suite

QUICK = [*SMALL, "--set", "method.steps=3"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of a run."""
    home = tmp_path_factory.mktemp("whole")
    process = start("run", "specs/finetune_rte.yaml", "--track=micro", "--home", home, *QUICK)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    return home


@pytest.fixture
def home(whole: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    shutil.copytree(whole, tmp_path / "home")
    return tmp_path / "home"


def change(home: Path, statement: str) -> None:
    with sqlite3.connect(home / "suite.db") as connection:
        assert connection.execute(statement).rowcount > 0


def fails(capsys: pytest.CaptureFixture[str], home: Path) -> list[str]:
    """What differs; a doctor who finds something exits with 2, and one who does not with 0."""
    code, out, err = suite(capsys, "doctor", "--deep", "--home", home)
    found = [line for line in out.splitlines() if line.startswith("FAIL")]
    assert (code, err) == (2 if found else 0, "")
    return found


def test_all_scores_of_a_sound_store_come_out_again(capsys: pytest.CaptureFixture[str], whole: Path) -> None:
    code, out, _ = suite(capsys, "doctor", "--deep", "--home", whole)
    assert code == 0, out
    steps = sqlite3.connect(whole / "suite.db").execute("SELECT count(*) FROM step WHERE kind = 'evaluate'").fetchone()
    assert f"ok    score: {steps[0]} evaluations were scored again" in out
    assert "ok    artifact: 1 files have the hash that is stored" in out
    assert "ok    database" in out
    assert "ok    checksum" in out


def test_a_changed_score_is_told_with_both_values(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    change(home, 'UPDATE score SET value = value + 7 WHERE "primary"')
    found = fails(capsys, home)
    line = next(line for line in found if "score:" in line and "finetune_rte seed 0" in line)
    assert "0-shot" in line or "1-shot" in line
    assert "stored" in line.partition("accuracy")[2]
    assert "recomputed" in line
    assert any(line.startswith("FAIL  checksum: scores of '") for line in found)


def test_a_changed_output_changes_what_comes_out_of_it(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    change(home, "UPDATE answer SET output = 'neither' WHERE doc_id = 0")
    found = fails(capsys, home)
    assert any("document 0: its parsed is another one now" in line for line in found)
    assert any(line.startswith("FAIL  checksum: answers of '") for line in found)


def test_a_changed_and_a_missing_artifact_are_told(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    (file,) = home.glob("artifacts/*/artifact.safetensors")
    data = bytearray(file.read_bytes())
    data[-5] ^= 1
    file.write_bytes(data)
    (line,) = fails(capsys, home)
    assert line.startswith("FAIL  artifact: ")
    assert "its hash differs" in line
    shutil.rmtree(file.parent)
    (line,) = fails(capsys, home)
    assert f"is not in {file.parent}" in line


def test_scores_of_another_task_are_not_called_right(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    change(home, "UPDATE step SET config = replace(config, '\"task\": \"', '\"task\": \"0') WHERE kind = 'evaluate'")
    change(home, 'UPDATE score SET value = value / 2 + 1 WHERE "primary"')
    _, out, _ = suite(capsys, "doctor", "--deep", "--home", home)
    assert "not recomputed" in out
    assert "the mean of its answers" in out
    assert "ok    score: 0 evaluations" in out


@pytest.mark.parametrize(
    "command",
    [["show"], ["board"], ["render"], ["export", "OUT"], ["compare"], ["show", "--json"], ["answers", "finetune_rte"]],
)
def test_who_shows_a_changed_score_says_so_in_one_line(
    capsys: pytest.CaptureFixture[str], home: Path, tmp_path: Path, command: list[str]
) -> None:
    change(home, "UPDATE score SET value = value / 2 + 1")
    names = ["pretrained", "finetune_rte"] if command == ["compare"] else []
    given = [str(tmp_path / "records") if each == "OUT" else each for each in command]
    code, _, err = suite(capsys, *given, *names, "--home", home)
    assert code == 0
    (line,) = [line for line in err.splitlines() if line.startswith("warning: ")]
    assert "was changed after it was written; `suite doctor --deep` says what differs" in line


@pytest.mark.parametrize("command", ["show", "board", "render"])
def test_nobody_warns_of_a_sound_store(capsys: pytest.CaptureFixture[str], whole: Path, command: str) -> None:
    assert suite(capsys, command, "--home", whole)[2] == ""


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE experiment SET spec = replace(spec, '\"roles\"', '\"rolds\"')",
        "UPDATE score SET n = -1",
        "UPDATE experiment_step SET step_id = (SELECT step_id FROM experiment_step LIMIT 1)",
        "UPDATE answer SET value = 'x'",
        "UPDATE step SET config = '{'",
    ],
)
def test_what_cannot_be_shown_any_more_is_told_without_a_traceback(
    capsys: pytest.CaptureFixture[str], home: Path, statement: str
) -> None:
    change(home, statement)
    for command in (["show"], ["answers", "finetune_rte"]):
        code, _, err = suite(capsys, *command, "--home", home)
        assert len(err.splitlines()) == 1
        assert code in (0, 2)
    assert fails(capsys, home)
