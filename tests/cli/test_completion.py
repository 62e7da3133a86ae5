"""The command's version, its summary, and what a shell completes."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import suite as package
from suite.results.store import Store
from tests.analysis.board.tiny_board import World, per_document
from tests.cli.calls import LIGHT, light


@pytest.fixture
def home(tmp_path: Path) -> Path:
    with Store.open(f"sqlite:///{tmp_path / 'suite.db'}") as store:
        for name in ("lora", "lora_big", "finetune"):
            World(store).experiment(name, {("rte", 0): per_document(100.0)})
    return tmp_path


def completed(words: str, **more: str) -> list[str]:
    """What a shell is offered for the last of some words; the process may import nothing that takes seconds."""
    place = str(len(words.split(" ")) - 1)
    asked = {"_SUITE_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": place, **more}
    code = f"import sys; sys.argv = ['suite']\n{LIGHT}"
    ended = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **asked}, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout.split()


def test_the_version_is_that_of_the_package() -> None:
    assert light("--version") == f"suite {package.__version__}\n"


def test_commands_and_options_are_completed() -> None:
    assert completed("suite ans") == ["answers"]
    assert completed("suite answers --wr") == ["--wrong"]


def test_files_are_left_to_the_shell() -> None:
    assert completed("suite run sp") == []


def test_experiments_and_tracks_of_the_store_are_completed(home: Path) -> None:
    assert completed(f"suite answers --home {shlex.quote(str(home))} lo") == ["lora", "lora_big"]
    assert completed("suite show --track t", SUITE_HOME=str(home)) == ["tiny"]
    assert completed("suite compare lora f", SUITE_HOME=str(home)) == ["finetune"]


def test_a_store_that_cannot_be_read_has_no_names(tmp_path: Path) -> None:
    assert completed("suite show ", SUITE_HOME=str(tmp_path / "none")) == []
    (tmp_path / "suite.db").write_text("this is no database")
    assert completed("suite show ", SUITE_HOME=str(tmp_path)) == []


def test_the_script_for_bash_completes_with_the_command(tmp_path: Path) -> None:
    """As `suite --show-completion` prints it, in a shell that has the command."""
    command = tmp_path / "suite"
    run = "import sys; sys.argv[0] = 'suite'; from suite.cli import main; main()"
    command.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -c {shlex.quote(run)} "$@"\n')
    command.chmod(0o755)
    paths = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    program = (
        'script="$(suite --show-completion bash)"; eval "$script"\n'
        "COMP_WORDS=(suite answ); COMP_CWORD=1; _suite_completion suite; echo ${COMPREPLY[@]}"
    )
    ended = subprocess.run(
        ["bash", "-c", program], env={**os.environ, **paths}, capture_output=True, text=True, check=False
    )
    assert (ended.stdout, ended.stderr) == ("answers\n", "")
