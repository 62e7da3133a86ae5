"""A process of one of our modules, connected with this one by a pipe."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import IO, Final

REASON_SECONDS: Final = 3.0
"""The time that a process has to end after its connection has, and in which others may say more about the cause."""


@dataclass(frozen=True)
class ChildProcess:
    """The process, and this end of its pipe."""

    process: subprocess.Popen[bytes]
    connection: Connection

    @classmethod
    def start(cls, module: str, output: IO[bytes]) -> ChildProcess:
        """Start `python -m MODULE FD`, which prints to a file. FD is the descriptor of its end of the pipe."""
        here, there = Pipe()
        command = [sys.executable, "-m", module, str(there.fileno())]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, pass_fds=[there.fileno()], env=environment
        )
        there.close()
        return cls(process, here)

    def end(self) -> None:
        """Kill the process, and wait until it has ended."""
        self.connection.close()
        self.process.kill()
        self.process.wait()

    def death(self, text: str) -> str:
        """How it ended, and the last line of the text that it printed."""
        try:
            code: int | None = self.process.wait(REASON_SECONDS)
        except subprocess.TimeoutExpired:
            code = None
        how = f"was killed by signal {-code}" if code is not None and code < 0 else f"ended with code {code}"
        last = last_line(text)
        return how + (f": {last}" if last else "")


def read(file: Path) -> str:
    """The text of a process's output; '' if it cannot be read."""
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def last_line(text: str) -> str:
    """The last line of a text that is not empty, or ''."""
    lines = text.strip().splitlines()
    return lines[-1].strip()[:300] if lines else ""
