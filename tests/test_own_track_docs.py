"""The files that docs/own-track.md has users write are a plan as they stand."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.cli.calls import suite

DOCS = Path(__file__).parents[1] / "docs" / "own-track.md"
MODEL = Path(__file__).parents[1] / "suite" / "micro" / "models" / "micro-llama"


def test_the_files_of_the_docs_are_a_plan(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = DOCS.read_text(encoding="utf-8")
    files = re.findall(r"^`(specs/[\w/]+\.yaml)`: .*?```yaml\n(.*?)```", text, re.MULTILINE | re.DOTALL)
    assert [name for name, _ in files] == [
        "specs/tasks/tickets.yaml",
        "specs/tracks/mine.yaml",
        "specs/lora_tickets.yaml",
    ]
    rows = [{"text": f"server {number} is down", "label": ("yes", "no")[number % 2]} for number in range(40)]
    files += [(f"data/tickets/{split}.jsonl", "\n".join(map(json.dumps, part)))
              for split, part in (("train", rows[:30]), ("test", rows[30:]))]  # fmt: skip
    for name, content in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content, encoding="utf-8")
    shutil.copytree(MODEL, tmp_path / "models" / "ours")
    monkeypatch.chdir(tmp_path)
    code, out, err = suite(capsys, "plan")
    assert (code, err) == (0, "")
    assert "2 experiments ask for 7 steps" in out
    assert "made from the track and the targets (tickets)" in out
