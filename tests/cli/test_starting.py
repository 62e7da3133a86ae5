"""A signal ends a command from its first moment on, while it still imports what it needs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
SENT = "import os, signal, time; os.kill(os.getpid(), signal.{signal}); time.sleep(20)"
HIDDEN = "try:\n    {sent}\nexcept BaseException:\n    raise ImportError('the core could not be imported') from None"
TOLD = {
    "SIGINT": (130, "interrupted by the user (Ctrl-C)\n"),
    "SIGTERM": (143, "ended by a signal (SIGTERM)\n"),
    "SIGHUP": (129, "ended by a signal (SIGHUP)\n"),
}


def interrupted(folder: Path, module: str, code: str, *command: str) -> tuple[int, str]:
    """How a command ends whose import of a module gives the signal: that one is found before the real one."""
    (folder / f"{module}.py").write_text(code, "utf-8")
    paths = os.pathsep.join([str(folder), str(REPOSITORY)])
    command = command or (sys.executable, "-m", "suite")
    ended = subprocess.run(
        [*command, "list", "all"],
        env={**os.environ, "PYTHONPATH": paths, "PYTHONSAFEPATH": "1"},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return ended.returncode, ended.stdout + ended.stderr


@pytest.mark.parametrize("module", ["difflib", "typer", "yaml"])
@pytest.mark.parametrize("signal", TOLD)
def test_a_signal_ends_any_import_in_one_line(tmp_path: Path, module: str, signal: str) -> None:
    assert interrupted(tmp_path, module, SENT.format(signal=signal)) == TOLD[signal]


def test_a_signal_that_an_import_tells_as_its_own_error_is_told_as_what_it_is(tmp_path: Path) -> None:
    sent = HIDDEN.format(sent=SENT.format(signal="SIGINT"))
    assert interrupted(tmp_path, "yaml", sent) == TOLD["SIGINT"]


def test_the_installed_command_starts_as_the_module_does(tmp_path: Path) -> None:
    (found,) = re.findall(r'^suite = "(.+):(.+)"$', (REPOSITORY / "pyproject.toml").read_text("utf-8"), re.MULTILINE)
    start = (sys.executable, "-c", "from {} import {}; {}()".format(*found, found[1]))
    assert interrupted(tmp_path, "difflib", SENT.format(signal="SIGINT"), *start) == TOLD["SIGINT"]
