"""The notebook, the page about Python and the example script run as they stand."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.notebooks import blocks, cells, run

REPOSITORY = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working directory with the specs, as in a clone."""
    made = tmp_path_factory.mktemp("clone")
    (made / "specs").symlink_to(REPOSITORY / "specs")
    return made


def test_the_notebook_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    found = run(cells(REPOSITORY / "examples" / "python.ipynb"), "python.ipynb")
    assert found["outcome"].exit_code == 0
    assert {row.name for row in found["board"].rows} == {"pretrained", "my_finetune", "my_prompt_tuning"}
    assert [(each.id, each.status) for each in found["verdicts"]] == [("few-parameters", "holds")]
    assert len(found["answers"]) == 2
    assert found["page"].is_file()
    assert "my_prompt_tuning   target" in capsys.readouterr().out


def test_the_page_about_python_runs_and_the_script_reads_what_it_left(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    found = run(blocks(REPOSITORY / "docs" / "python.md"), "python.md")
    assert found["outcome"].exit_code == 0
    assert {row.name for row in found["board"].rows} == {"pretrained", "finetune_rte", "lora_rte"}
    script = [sys.executable, REPOSITORY / "examples" / "best_rows.py", "runs"]
    out = subprocess.run(script, capture_output=True, text=True, check=True).stdout
    assert out.startswith("micro2: ")


def test_the_script_tells_a_missing_store_in_a_line(tmp_path: Path) -> None:
    script = [sys.executable, REPOSITORY / "examples" / "best_rows.py", str(tmp_path)]
    ended = subprocess.run(script, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert len(ended.stderr.splitlines()) == 1
    assert str(tmp_path) in ended.stderr
