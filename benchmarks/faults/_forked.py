"""Commands, each in a process of its own that is forked from this one and has its imports already."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

SECONDS: Final = 180.0
"""A command that takes longer hangs."""


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        """What it told as an error or a warning."""
        return [line for line in self.err.splitlines() if line.startswith(("error: ", "warning: "))]


def imported() -> None:
    """Import once what commands need, for all that are forked."""
    os.environ |= {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    import lm_eval.evaluator
    import torch
    import transformers

    import leaderboard
    import suite.commands.health
    import suite.evaluation.rescoring
    import suite.runner.session

    assert all((lm_eval, torch, transformers, leaderboard, suite))
    torch.set_num_threads(1)


def forked(*arguments: str, first: Callable[[], None] | None = None) -> Ended:
    """A command in a process of its own, which has its imports already, and in which something else is done first."""
    sys.stdout.flush()
    sys.stderr.flush()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        pid = os.fork()
        if pid == 0:
            _become(list(arguments), out.fileno(), err.fileno(), first)
        code = _waited_for(pid)
        said = []
        for file in (out, err):
            file.seek(0)
            said.append(file.read().decode("utf-8", "replace"))
    return Ended(code, said[0], said[1])


def _waited_for(pid: int) -> int:
    """The exit code of a process; of one that hangs, once it is killed, that of its signal."""
    until = time.monotonic() + SECONDS
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            break
        if time.monotonic() > until:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            return -9
        time.sleep(0.01)
    return os.waitstatus_to_exitcode(status)


def _become(arguments: list[str], out: int, err: int, first: Callable[[], None] | None) -> None:
    """Be the command. Does not return."""
    code = 70
    try:
        os.dup2(out, 1)
        os.dup2(err, 2)
        sys.stdout, sys.stderr = open(1, "w", closefd=False), open(2, "w", closefd=False)  # noqa: SIM115
        from suite.cli import main

        try:
            if first is not None:
                first()
            main(arguments)
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
