"""The processes of `suite run --workers`: the main one, the server that forks workers, and the workers."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import psutil


@dataclass
class ProcessTree:
    """The processes that belong to a command, those that have ended included."""

    main: subprocess.Popen[str]
    seen: dict[int, psutil.Process] = field(default_factory=dict)
    """Process id -> process, for each that was ever seen. They are told apart from later ones with the same id."""
    first_seen: dict[int, float] = field(default_factory=dict)
    """Process id -> when it was seen first (`time.monotonic`)."""

    def look(self) -> None:
        """Note the processes that exist now."""
        with suppress(psutil.NoSuchProcess):
            for each in psutil.Process(self.main.pid).children(recursive=True):
                self._note(each)
        if (server := self.fork_server()) is not None:
            with suppress(psutil.NoSuchProcess):
                for each in server.children():
                    self._note(each)

    def fork_server(self) -> psutil.Process | None:
        """The server that forks the workers, if it lives."""
        return next((each for each in self.alive() if _is_fork_server(each)), None)

    def workers(self) -> list[psutil.Process]:
        """The workers that live, oldest first."""
        server = self.fork_server()
        return [] if server is None else [each for each in self.alive() if _parent(each) == server.pid]

    def alive(self) -> list[psutil.Process]:
        """The processes that were seen and live, but for the main one."""
        return [each for each in self.seen.values() if is_alive(each)]

    def age(self, process: psutil.Process) -> float:
        """Seconds since a process was seen first."""
        return time.monotonic() - self.first_seen[process.pid]

    def left_after(self, seconds: float) -> Sequence[psutil.Process]:
        """The processes that still live after at most so many seconds."""
        until = time.monotonic() + seconds
        while (left := self.alive()) and time.monotonic() < until:
            time.sleep(0.02)
        return left

    def _note(self, process: psutil.Process) -> None:
        if process.pid not in self.seen:
            self.seen[process.pid] = process
            self.first_seen[process.pid] = time.monotonic()


def is_alive(process: psutil.Process) -> bool:
    """Whether a process runs or is stopped; one that has ended and is still listed does not live."""
    with suppress(psutil.NoSuchProcess):
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    return False


def stopped(process: psutil.Process) -> bool:
    """Stop a process, so that what it has does not change. Returns False if it has ended."""
    with suppress(psutil.NoSuchProcess):
        process.send_signal(signal.SIGSTOP)
        until = time.monotonic() + 5.0
        while process.status() != psutil.STATUS_STOPPED and is_alive(process) and time.monotonic() < until:
            time.sleep(0.001)
        return is_alive(process)
    return False


def _parent(process: psutil.Process) -> int | None:
    with suppress(psutil.NoSuchProcess):
        return int(process.ppid())
    return None


def _is_fork_server(process: psutil.Process) -> bool:
    """Whether it is the fork server: its workers have the same command line, but not the same parent."""
    with suppress(psutil.NoSuchProcess):
        own = " ".join(process.cmdline())
        parent = process.parent()
        return "multiprocessing.forkserver" in own and (parent is None or " ".join(parent.cmdline()) != own)
    return False
