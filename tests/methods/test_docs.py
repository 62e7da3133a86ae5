"""The method that docs/methods.md has readers write runs as it stands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.cli.calls import SMALL, suite
from tests.methods.outside import EXAMPLE, REPOSITORY

DOCS = (REPOSITORY / "docs" / "methods.md").read_text(encoding="utf-8")


def test_the_method_of_the_page_runs_and_is_15_lines(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = dict(re.findall(r"^```\w+ ([\w/]+\.\w+)\n(.*?)```", DOCS, re.MULTILINE | re.DOTALL))
    assert list(files) == ["methods/gains.py", "gains.yaml"]
    assert len([line for line in files["methods/gains.py"].splitlines() if line]) <= 15
    (tmp_path / "methods").mkdir()
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    code, _, err = suite(capsys, "run", "gains.yaml", "--home", tmp_path, *SMALL, "--set", "method.steps=2")
    assert code == 0, err
    assert "gains" in suite(capsys, "board", "--home", tmp_path)[1]
    assert "Settings of gains: " in suite(capsys, "schema", "gains")[1]
    assert "[methods/gains.py]" in suite(capsys, "list", "methods")[1]
    assert "gains (methods/gains.py, source " in suite(capsys, "doctor", "--home", tmp_path)[1]


def test_the_page_shows_the_entry_point_of_the_example() -> None:
    (block,) = re.findall(r"^```toml\n(.*?)```", DOCS, re.MULTILINE | re.DOTALL)
    assert block in (EXAMPLE / "pyproject.toml").read_text(encoding="utf-8")
