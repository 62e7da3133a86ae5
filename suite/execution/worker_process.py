"""A worker process: runs the steps that it is sent, and sends back what their logs say and what came of them."""

from __future__ import annotations

import math
import os
import signal
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import parent_process
from multiprocessing.connection import Connection
from typing import Any, Final

from suite.core import signals
from suite.execution.context import StepContext
from suite.execution.messages import MessageHandler, heard
from suite.execution.worker import StepResult, close_worker, run_step
from suite.planning import Step
from suite.results.store import Owner

PRELOADED: Final = ("torch", "transformers", "suite.execution.worker_process", "suite.execution.session")
"""Modules that are imported once for all worker processes: they take most of the time that one needs to start."""
FOREVER: Final = 10.0**8
"""Seconds of a time limit that never ends: the parent process sends its signal."""


@dataclass(frozen=True)
class WorkerStarted:
    """The process has started."""

    process: Owner


@dataclass(frozen=True)
class LogCall:
    """A call of the step's log."""

    name: str
    arguments: tuple[Any, ...]


@dataclass(frozen=True)
class Message:
    """A message of a library."""

    text: str


@dataclass(frozen=True)
class StepEnded:
    """What came of the step."""

    result: StepResult


@dataclass(frozen=True)
class StepRaised:
    """The step raised an exception: a bug, or a store that cannot be reached."""

    error: BaseException
    trace: str


@dataclass
class SentLog:
    """The log of a step, whose calls are sent to the parent process."""

    send: Callable[[LogCall], None]
    every: float = 0.0
    """Seconds between two messages about progress, at least; the last one of a training is sent at any time."""
    _sent: float = -math.inf

    def begin(self, title: str) -> None:
        """Send it."""
        self.send(LogCall("begin", (title,)))

    def progress(self, step: int, total: int, loss: float, score: float | None = None) -> None:
        """Send it."""
        if self._due() or step == total:
            self.send(LogCall("progress", (step, total, loss, score)))

    def answered(self, documents: int, total: int, tokens: int, seconds: float) -> None:
        """Send it."""
        if self._due():
            self.send(LogCall("answered", (documents, total, tokens, seconds)))

    def say(self, text: str) -> None:
        """Send it."""
        self.send(LogCall("say", (text,)))

    def say_once(self, text: str) -> None:
        """Send it."""
        self.send(LogCall("say_once", (text,)))

    def _due(self) -> bool:
        now = time.monotonic()
        if now - self._sent < self.every:
            return False
        self._sent = now
        return True


def serve(connection: Connection, context: StepContext, threads: int, log_seconds: float) -> None:
    """Run steps from the connection until it sends None or closes. A signal, or the parent's end, cancels the step."""
    with suppress(OSError, AttributeError):  # Ctrl-C reaches the parent process only, which passes it on
        os.setpgid(0, 0)
    with suppress(signals.EndedBySignal), signals.ending(), signals.time_limit(FOREVER):
        threading.Thread(target=_end_with_parent, daemon=True).start()
        _use_threads(threads)
        channel = _Channel(connection)
        channel.send(WorkerStarted(Owner.here()))
        _serve(channel, context, log_seconds)


class _Channel:
    """The connection to the parent process; several threads may send."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._lock = threading.Lock()

    def send(self, what: Any) -> None:
        """Send something. If the parent process is gone, nobody misses it: `_end_with_parent` ends this one."""
        with suppress(OSError), self._lock, signals.held():
            self._connection.send(what)

    def receive(self) -> Step | None:
        try:
            received: Step | None = self._connection.recv()
        except (EOFError, OSError):
            return None
        return received


def _serve(channel: _Channel, context: StepContext, log_seconds: float) -> None:
    handler = MessageHandler(lambda text: channel.send(Message(text)))
    try:
        while (step := channel.receive()) is not None:
            with heard(handler):
                channel.send(_attempt(step, context, SentLog(channel.send, log_seconds)))
            signals.check()
    finally:
        with signals.held():
            close_worker()


def _attempt(step: Step, context: StepContext, log: SentLog) -> StepEnded | StepRaised:
    try:
        return StepEnded(run_step(step, context, log))
    except signals.EndedBySignal:
        raise
    except BaseException as error:
        return StepRaised(_plain(error), traceback.format_exc())


def _plain(error: BaseException) -> BaseException:
    """The exception, or one of the same text if it cannot be sent."""
    import pickle

    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


def _use_threads(count: int) -> None:
    import torch

    torch.set_num_threads(count)


def _end_with_parent() -> None:
    """End this process in order once its parent has ended, however that ended."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
