"""The executor that runs steps in several processes of this machine at once."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from multiprocessing import get_all_start_methods, get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, Final

from suite.core import signals
from suite.execution.context import StepContext
from suite.execution.placement import THREADS, Placement, Workers, placements
from suite.execution.schedule import POLL_SECONDS, Schedule
from suite.execution.worker import StepLog
from suite.execution.worker_process import PRELOADED, LogCall, Message, StepEnded, StepRaised, serve
from suite.planning import Step

LAST_SECONDS: Final = 5.0
"""A worker process that takes longer to end after its last step is ended by the system."""


class ProcessExecutor:
    """Runs steps in worker processes: as many as there are placements, each with its own device and threads."""

    def __init__(self, placements: Sequence[Placement]) -> None:
        self.placements = tuple(placements)
        method = "forkserver" if "forkserver" in get_all_start_methods() else "spawn"
        self._context: Any = get_context(method)
        if method == "forkserver":
            self._context.set_forkserver_preload(list(PRELOADED))

    @property
    def workers(self) -> int:
        """How many steps run at a time."""
        return len(self.placements)

    def prepare(self) -> None:
        """Begin to import what worker processes need, so that it is there when the plan is made."""
        with _threads(min(each.threads for each in self.placements)):
            if self._context.get_start_method() == "forkserver":
                from multiprocessing import forkserver

                forkserver.ensure_running()

    def run(self, schedule: Schedule, context: StepContext) -> None:
        """Run all steps of the schedule. A process that dies gives its step back at once.

        Raises EndedBySignal after a signal, once all steps are cancelled; and the exception of a bug, once the other
        steps are.
        """
        self.prepare()
        team = [_Member(self._context, context, placement) for placement in self.placements]
        try:
            while not schedule.over:
                signals.check()
                for member in team:
                    if member.step is None and (step := schedule.ready(member.previous)) is not None:
                        member.begin(step, schedule.log(step))
                self._listen(team, schedule, POLL_SECONDS)
                schedule.poll()
                if not any(member.step for member in team):
                    schedule.tell()
        except signals.EndedBySignal as end:
            self._cancel(team, schedule, end.number)
            raise
        except BaseException:
            self._cancel(team, schedule, signal.SIGTERM)
            raise
        finally:
            for member in team:
                member.close()

    def _listen(self, team: Sequence[_Member], schedule: Schedule, seconds: float) -> None:
        """Handle what the working processes send, and their deaths; wait for something at most this long."""
        by_handle = {handle: member for member in team for handle in member.handles}
        ready = wait(list(by_handle), timeout=seconds)
        for member in dict.fromkeys(by_handle[handle] for handle in ready):
            member.hear(schedule)

    def _cancel(self, team: Sequence[_Member], schedule: Schedule, number: int) -> None:
        """Pass a signal on to the working processes, and wait until each has given up its step."""
        for member in team:
            member.signal(number)
        while any(member.step for member in team):
            with suppress(signals.EndedBySignal):
                self._listen([member for member in team if member.step], schedule, POLL_SECONDS)


def executor_of(workers: Workers, device: str | None) -> ProcessExecutor | None:
    """The executor for so many workers, which begins to prepare them; None for one, which needs no other process."""
    if workers == 1:
        return None
    executor = ProcessExecutor(placements(workers, device))
    executor.prepare()
    return executor


@dataclass(eq=False)
class _Member:
    """A worker process, started for its first step, and in place of one that died."""

    starting: Any
    """The multiprocessing context that starts processes."""
    context: StepContext
    placement: Placement
    step: Step | None = None
    previous: Step | None = None
    _log: StepLog | None = None
    _process: BaseProcess | None = None
    _connection: Connection | None = None

    @property
    def handles(self) -> list[Any]:
        """What to wait for while it has a step: a message, or its end."""
        if self.step is None or self._process is None:
            return []
        return [self._connection, self._process.sentinel]

    def begin(self, step: Step, log: StepLog) -> None:
        """Send a step to the process."""
        self.step, self._log = step, log
        if self._process is None or not self._process.is_alive():
            self._start()
        assert self._connection is not None
        with suppress(OSError):  # it died just now: `hear` finds that
            self._connection.send(step)

    def hear(self, schedule: Schedule) -> None:
        """Handle all that the process has sent by now; if it has died, give its step back."""
        assert self._connection is not None
        assert self._process is not None
        alive = self._process.is_alive()
        try:
            while self.step is not None and self._connection.poll():
                self._handle(self._connection.recv(), schedule)
        except (EOFError, OSError):
            self._process.join()
            alive = False
        if self.step is not None and not alive:
            step, self.step, self.previous = self.step, None, None
            schedule.died(step, _how(self._process.exitcode))

    def _handle(self, message: object, schedule: Schedule) -> None:
        match message:
            case LogCall():
                getattr(self._log, message.name)(*message.arguments)
            case Message():
                schedule.progress.say(message.text)
            case StepEnded():
                step, self.step = self.step, None
                assert step is not None
                self.previous = step
                schedule.ended(step, message.result)
            case StepRaised():
                self.step = None
                raise message.error from _WorkerTraceback(message.trace)

    def signal(self, number: int) -> None:
        """Send a signal to the process if it has a step."""
        if self.step is not None and self._process is not None and self._process.pid is not None:
            with suppress(ProcessLookupError):
                os.kill(self._process.pid, number)

    def close(self) -> None:
        """End the process, which has no step any more."""
        if self._process is None or self._connection is None:
            return
        self._connection.close()  # it ends when there is nothing to receive
        self._process.join(LAST_SECONDS)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._process.close()

    def _start(self) -> None:
        self._connection, theirs = self.starting.Pipe()
        context = replace(self.context, device=self.placement.device)
        process = self.starting.Process(target=serve, args=(theirs, context, self.placement.threads), daemon=False)
        with signals.held():
            process.start()
        theirs.close()
        self._process = process


class _WorkerTraceback(Exception):
    """The traceback of a worker process, as the cause of its exception here."""

    def __str__(self) -> str:
        return f"\n{self.args[0]}"


def _how(code: int | None) -> str:
    """How a process ended, in words."""
    if code is not None and code < 0:
        name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
        return f"{name}; perhaps memory ran out" if -code == signal.SIGKILL else name
    return f"exit code {code}"


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """Context manager in which processes that are started use so many threads."""
    before = os.environ.get(THREADS)
    os.environ[THREADS] = str(count)
    try:
        yield
    finally:
        if before is None:
            del os.environ[THREADS]
        else:
            os.environ[THREADS] = before
