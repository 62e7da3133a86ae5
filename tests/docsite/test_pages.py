"""What the pages of the documentation have readers write is right as it stands."""

from __future__ import annotations

import csv
import re
import runpy
from pathlib import Path

import pytest

from tests.cli.calls import suite

DOCS = Path(__file__).parents[2] / "docs"
FILE = re.compile(r"^```\w+ ([\w/.-]+\.\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_files(page: str) -> list[str]:
    """The files that a page shows, in the working directory."""
    files = FILE.findall((DOCS / page).read_text("utf-8"))
    for name, text in files:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text, encoding="utf-8")
    return [name for name, _ in files]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("page", "spec", "steps"),
    [
        ("howto/task.md", "specs/lora_missing.yaml", "2 experiments ask for 5 steps"),
        ("howto/metric.md", "specs/lora_ages.yaml", "2 experiments ask for 5 steps"),
        ("howto/track.md", "specs/finetune_long.yaml", "2 experiments ask for"),
    ],
)
def test_the_files_of_a_page_are_a_plan(page: str, spec: str, steps: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert spec in write_files(page)
    code, out, err = suite(capsys, "plan", spec, "--data", "data" if Path("data").exists() else ".")
    assert (code, err) == (0, "")
    assert steps in out


@pytest.mark.usefixtures("folder")
def test_the_tutorial_is_a_plan_and_prints_what_it_shows(capsys: pytest.CaptureFixture[str]) -> None:
    write_files("tutorial.md")
    runpy.run_path("make_csv.py")
    head, *rows = csv.reader(Path("tickets.csv").read_text("utf-8").splitlines())
    assert (head, len(rows), len(set(map(tuple, rows)))) == (["text", "label"], 360, 360)
    lines = Path("tickets.csv").read_text("utf-8").splitlines(keepends=True)
    Path("data/tickets").mkdir(parents=True)
    Path("data/tickets/train.csv").write_text("".join(lines[:241]), "utf-8")
    Path("data/tickets/test.csv").write_text("".join([lines[0], *lines[241:]]), "utf-8")
    specs = ("specs/finetune_tickets.yaml", "specs/lora_tickets.yaml")
    code, out, err = suite(capsys, "plan", *specs, "--data", "data", "--seeds", "all")
    assert (code, err) == (0, "")
    steps = "7 experiments ask for 27 steps: 27 distinct, 0 shared, 0 done\n"
    assert steps in out
    assert steps in (DOCS / "tutorial.md").read_text("utf-8")
