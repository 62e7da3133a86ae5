"""A worker process as the process that started it sees it: start, steps to it, messages from it, its end."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import get_all_start_methods, get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any, Final

from suite.core import signals
from suite.execution.context import StepContext
from suite.execution.placement import THREADS
from suite.execution.worker_process import PRELOADED, StepEnded, StepRaised, serve
from suite.planning import Step
from suite.results.store import Owner

LAST_SECONDS: Final = 5.0
"""A worker process that takes longer to end after its last step is ended by the system."""

END_SECONDS: Final = 0.02
"""The time between two looks at whether a killed process has ended."""

STARTS: Final = 5
"""How often a process is started in vain before that is an error."""


def starting() -> Any:
    """The multiprocessing context that starts worker processes: from a server that has imported what they need, where
    the system can fork."""
    method = "forkserver" if "forkserver" in get_all_start_methods() else "spawn"
    context: Any = get_context(method)
    if method == "forkserver":
        context.set_forkserver_preload(list(PRELOADED))
    return context


def preload(context: Any, threads: int) -> None:
    """Let the server import what worker processes need, without waiting for it."""
    with _environment(THREADS, str(threads)):
        if context.get_start_method() == "forkserver":
            from multiprocessing import forkserver

            forkserver.ensure_running()


@dataclass(frozen=True)
class ProcessDied:
    """The process has ended without a result of its step."""

    how: str


class WorkerProcess:
    """A process that runs one step after another. It is started for its first step, and again after it has died."""

    def __init__(self, starting: Any, context: StepContext, threads: int, log_seconds: float = 0.0) -> None:
        """`log_seconds` is the time between two messages about the progress of a step, at least."""
        self._starting, self._arguments = starting, (context, threads, log_seconds)
        self._process: BaseProcess | None = None
        self._connection: Connection | None = None
        self._identity: Owner | None = None
        """The process as the system knows it."""

    @property
    def handles(self) -> list[Any]:
        """What to wait for: a message, or the end of the process."""
        return [] if self._process is None else [self._connection, self._process.sentinel]

    def send(self, step: Step) -> None:
        """Let the process run a step."""
        if self._process is None or not self._process.is_alive():
            self._end()
            self._start()
        assert self._connection is not None
        with suppress(OSError):  # it died just now: `messages` finds that
            self._connection.send(step)

    def messages(self) -> Iterator[object]:
        """Yield what the process has sent by now, up to the result of its step, or that it has died: then it runs no
        longer."""
        assert self._connection is not None
        assert self._process is not None
        orphan = False
        if not (alive := self._process.is_alive()):
            orphan = self._end()
        try:
            while self._connection.poll():
                yield (message := self._connection.recv())
                if isinstance(message, StepEnded | StepRaised):
                    return
        except (EOFError, OSError):
            self._process.join()
            orphan, alive = self._end() or orphan, False
        if not alive:
            how = "the server that had forked it died" if orphan else _how(self._process.exitcode)
            yield ProcessDied(how)

    def signal(self, number: int) -> None:
        """Send the process a signal, if it runs."""
        if self._identity is not None and (self._runs() or not self._identity.start):
            self._kill(number)

    def close(self) -> None:
        """End the process, which has no step any more."""
        if self._process is None or self._connection is None:
            return
        self._connection.close()  # it ends when there is nothing to receive
        self._process.join(LAST_SECONDS)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._end()
        self._process.close()
        self._process = self._connection = None

    def _runs(self) -> bool:
        """Whether the process itself runs, as far as the system says when it started. `is_alive` only asks the server
        that forked it, which may have died."""
        return self._identity is not None and bool(self._identity.start) and not self._identity.is_dead(None)

    def _end(self) -> bool:
        """End the process if it still runs, and wait until the system has ended it. Returns whether it still ran."""
        if not self._runs():
            return False
        while self._runs():
            self._kill(signal.SIGKILL)
            time.sleep(END_SECONDS)
        return True

    def _kill(self, number: int) -> None:
        assert self._identity is not None
        with suppress(ProcessLookupError):
            os.kill(self._identity.pid, number)

    def _start(self) -> None:
        """Start the process. If the server that forks it dies meanwhile, another one is started."""
        for number in range(STARTS):
            self._connection, theirs = self._starting.Pipe()
            process = self._starting.Process(target=serve, args=(theirs, *self._arguments), daemon=False)
            try:
                with signals.held():
                    process.start()
                assert process.pid is not None
                self._process, self._identity = process, Owner.of(process.pid)
                return
            except (EOFError, ConnectionError):  # what was forked nevertheless ends, as its connection is closed
                self._connection.close()
                if number == STARTS - 1:
                    raise
                time.sleep(0.1)  # until the system knows that the server is dead
            finally:
                theirs.close()


def _how(code: int | None) -> str:
    """How a process ended, in words."""
    if code is not None and code < 0:
        name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
        return f"{name}; perhaps memory ran out" if -code == signal.SIGKILL else name
    return f"exit code {code}"


@contextmanager
def _environment(name: str, value: str) -> Iterator[None]:
    """Context manager in which an environment variable has this value."""
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before
