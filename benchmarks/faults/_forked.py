"""Run commands in separate processes that are forked from a server with all imports done.

The server (`python -m benchmarks.faults._forked`) has only imported modules and not used them: torch's thread pools do
not survive a fork of a process that has used them.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import BinaryIO, Final

from benchmarks.faults.trial import usual_signals

REPOSITORY: Final = Path(__file__).resolve().parents[2]
SECONDS: Final = 300.0
"""A command that takes longer is considered hung."""


@dataclass(frozen=True)
class Ended:
    """The exit code and output of a command."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        """The errors and warnings that it printed."""
        return [line for line in self.err.splitlines() if line.startswith(("error: ", "warning: "))]


def forked(*arguments: str, first: Callable[[], None] | None = None) -> Ended:
    """Run a command in a separate process, after calling `first` there (which is pickled).

    If a signal ended it, its code is minus the signal's number, also if it was killed because it hung.
    """
    server = _server()
    assert server.stdin
    assert server.stdout
    with tempfile.TemporaryDirectory(prefix="suite-forked-") as folder:
        files = [Path(folder) / name for name in ("out", "err")]
        pickle.dump((arguments, *files, pickle.dumps(first)), server.stdin)
        server.stdin.flush()
        code = int(server.stdout.readline())
        out, err = (file.read_text("utf-8", "replace") for file in files)
    home = arguments[arguments.index("--home") + 1] if "--home" in arguments else None
    out = out.replace(home, "HOME") if home else out  # copies of a home show the same
    return Ended(code, out, err)


@cache
def _server() -> subprocess.Popen[bytes]:
    """The server, which runs until this process ends."""
    usual_signals()
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, "-m", __name__]
    server = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=REPOSITORY, env=environment
    )  # fmt: skip
    atexit.register(server.kill)
    return server


def _serve(asked: BinaryIO, answers: BinaryIO) -> None:
    """Run the server until its input is closed."""
    import lm_eval.evaluator
    import torch
    import transformers

    import leaderboard
    import suite.cli.commands.health
    import suite.cli.commands.sharing
    import suite.evaluation.rescoring
    import suite.execution.session

    assert all((lm_eval, torch, transformers, leaderboard, suite))
    with contextlib.suppress(EOFError, BrokenPipeError):  # the trial has ended
        while True:
            arguments, out, err, first = pickle.load(asked)  # from the process that started this one
            pid = os.fork()
            if pid == 0:
                _become(arguments, out, err, first)
            answers.write(b"%d\n" % _waited_for(pid))
            answers.flush()


def _waited_for(pid: int) -> int:
    """The exit code of a process; minus the signal if it hung and was killed."""
    until = time.monotonic() + SECONDS
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > until:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            return -signal.SIGKILL
        time.sleep(0.01)


def _become(arguments: tuple[str, ...], out: Path, err: Path, first: bytes) -> None:
    """Run the command in this process. Does not return."""
    code = 70
    try:
        files = (os.devnull, os.O_RDONLY), (out, os.O_WRONLY | os.O_CREAT), (err, os.O_WRONLY | os.O_CREAT)
        for number, (file, flags) in enumerate(files):
            os.dup2(os.open(file, flags | getattr(os, "O_APPEND", 0)), number)
        sys.stdout, sys.stderr = open(1, "w", closefd=False), open(2, "w", closefd=False)  # noqa: SIM115
        from suite.cli import main

        try:
            if (do := pickle.loads(first)) is not None:
                do()
            main(list(arguments))
        except SystemExit as end:
            code = int(end.code or 0)
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    _serve(sys.stdin.buffer, sys.stdout.buffer)
