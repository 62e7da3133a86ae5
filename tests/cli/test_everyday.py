"""A run with nothing to do imports no library that takes seconds, reads no record and renders no page."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.calls import SMALL

REPORTING = """
import json, sys
from suite.cli import main
try:
    main(sys.argv[2:])
except SystemExit as end:
    open(sys.argv[1], "w").write(json.dumps([end.code, sorted(sys.modules)]))
"""
RUN = [
    "run",
    "specs/pretrained.yaml",
    "--track=micro",
    *SMALL,
    "--set",
    "held_out.roles=[triviaqa]",
    "--set",
    "held_out.documents=4",
]
HEAVY = {"torch", "transformers", "peft", "lm_eval", "datasets", "scipy", "sacrebleu", "pandas"}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    command(folder, *RUN, "--home", str(folder), "-q")
    return folder


def command(home: Path, *arguments: str) -> tuple[set[str], str]:
    """The modules that a command in a process of its own imported, and its output."""
    report = home.with_name(f"{home.name}.json")
    ended = subprocess.run(
        [sys.executable, "-c", REPORTING, str(report), *arguments], capture_output=True, text=True, check=False
    )
    code, modules = json.loads(report.read_text())
    assert code in (0, None), ended.stderr
    return set(modules), ended.stdout


def test_a_second_run_imports_nothing_heavy_and_leaves_the_site_as_it_is(home: Path) -> None:
    before = (home / "site").stat().st_ino, (home / "site" / "index.html").read_bytes()
    modules, output = command(home, *RUN, "--home", str(home))
    assert not HEAVY & modules
    assert "leaderboard" not in modules, "a page was rendered"
    assert "suite.results.records.checks" not in modules, "a record was read"
    assert ((home / "site").stat().st_ino, (home / "site" / "index.html").read_bytes()) == before
    assert "held-out average 1-shot" in output
    assert output.splitlines()[-2:] == ["0 steps done, 5 reused, in 0.0 s", f"open {home / 'site' / 'index.html'}"]


def test_a_plan_without_a_store_opens_no_database(home: Path, tmp_path: Path) -> None:
    command(home, "plan", "specs/pretrained.yaml", "--track=micro", "--home", str(tmp_path / "none"))
    modules, _ = command(home, "plan", "specs/pretrained.yaml", "--track=micro", "--home", str(tmp_path / "none"))
    assert not (HEAVY | {"sqlalchemy", "numpy", "leaderboard"}) & modules


@pytest.mark.parametrize("arguments", [("--help",), ("list", "specs"), ("run", "--help")])
def test_help_and_lists_import_little(home: Path, arguments: tuple[str, ...]) -> None:
    modules, _ = command(home, *arguments)
    assert not (HEAVY | {"sqlalchemy", "numpy", "leaderboard"}) & modules
