"""A run's table shows shipped rows of the same targets on the same terms."""

from __future__ import annotations

from pathlib import Path

import pytest

from suite.api import shipped
from tests.cli.calls import suite
from tests.planning.own_task import TRACK, make_workspace


def ended(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> str:
    code, out, err = suite(capsys, *arguments)
    assert code == 0, err
    return out


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Path:
    """A workspace whose row `own` is in the shipped records, and another spec on the same track."""
    folder = make_workspace(tmp_path / "work")
    monkeypatch.chdir(folder)
    ended(capsys, "run", "specs/own.yaml", "--home", tmp_path / "theirs", "--data", "data", "--seeds", "0,1")
    ended(capsys, "export", tmp_path / "records", "--home", tmp_path / "theirs", "--bundle")
    assert [file.name for file in (tmp_path / "records").iterdir()] == ["mini.jsonl.xz"]
    other = "name: other\ntrack: mini\nmethod: {name: ia3, steps: 2, learning_rate: 1e-2}\ntargets: [mine]\n"
    (folder / "specs" / "other.yaml").write_text(other)
    monkeypatch.setattr(shipped, "published", lambda: tmp_path / "records")
    return folder


def rows_of(text: str) -> dict[str, str]:
    """The lines of the table by what they begin with."""
    lines = text.splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("experiment "))
    end = next(number for number in range(start, len(lines)) if not lines[number])
    return {line.partition("  ")[0]: line for line in lines[start + 2 : end] if "  " in line}


def test_a_shipped_row_of_the_same_target_stands_beside(
    workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ("run", "specs/other.yaml", "--home", tmp_path / "home", "--data", "data")
    out = ended(capsys, *command)
    first = rows_of(out)
    assert [*first] == ["pretrained", "other", "† own"]
    assert first["† own"].split()[2] == "2"  # seeds
    assert "\n† comes with suite and was not run here: own\n" in out
    assert rows_of(ended(capsys, *command)) == first  # from what is remembered


def test_the_same_row_is_not_shown_twice(workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = ended(capsys, "run", "specs/own.yaml", "--home", tmp_path / "home", "--data", "data")
    assert [*rows_of(out)] == ["pretrained", "own"]


def test_rows_on_other_terms_are_left_out(workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (workspace / "specs" / "tracks" / "mini.yaml").write_text(TRACK.replace("documents: 4", "documents: 6"))
    out = ended(capsys, "run", "specs/other.yaml", "--home", tmp_path / "home", "--data", "data")
    assert [*rows_of(out)] == ["pretrained", "other"]
    assert "†" not in out
