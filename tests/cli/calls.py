"""Helpers to run the command line in this process, and in others."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from suite.cli import main
from tests.forks import Forked

SMALL = [
    "--set", "held_out.roles=[triviaqa, cb]", "--set", "held_out.shots=[1]", "--set", "held_out.documents=8",
    "--set", "target.documents=16", "--set", "selection.documents=8", "--set", "budget.batch_size=4",
    "--set", "budget.max_length=128",
]  # fmt: skip
"""The micro track, cut down to seconds."""


def suite(capsys: pytest.CaptureFixture[str], *arguments: str | Path, pages: bool = False) -> tuple[int, str, str]:
    """Exit code, standard output and error output of a command in this process; a run writes no pages by itself."""
    with pytest.raises(SystemExit) as ended:
        main(_plain(arguments, pages=pages))
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


LIGHT = """
import sys
from suite.cli import main
try:
    main(sys.argv[1:])
except SystemExit as end:
    heavy = {"torch", "transformers", "peft", "lm_eval", "datasets"} & set(sys.modules)
    sys.exit(f"imported {heavy}" if heavy else end.code)
"""


def light(*arguments: str | Path) -> str:
    """The output of a command in a process of its own, which may import none of the packages that take seconds."""
    command = [sys.executable, "-c", LIGHT, *map(str, arguments)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def start(
    *arguments: str | Path, code: str = "from suite.cli import main; main()", pages: bool = False
) -> subprocess.Popen[str]:
    """A command in a process of its own; a run writes no pages by itself."""
    environment = {"OMP_NUM_THREADS": "1", **os.environ, "HF_HUB_OFFLINE": "1"}
    return Forked(["-c", code, *_plain(arguments, pages=pages)], environment)


def _plain(arguments: Sequence[str | Path], *, pages: bool) -> list[str]:
    plain = [str(argument) for argument in arguments]
    return [*plain, "--no-pages"] if plain[:1] == ["run"] and not pages else plain
