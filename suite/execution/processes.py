"""The executor that runs steps in several processes of this machine at once."""

from __future__ import annotations

import signal
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from multiprocessing.connection import wait
from typing import Generic, Protocol, TypeVar

from suite.core import signals
from suite.core.errors import SuiteError
from suite.execution.context import StepContext
from suite.execution.placement import Placement, Workers, checked, placements
from suite.execution.process import ProcessDied, WorkerProcess, preload, starting
from suite.execution.schedule import POLL_SECONDS, Schedule
from suite.execution.worker import StepLog
from suite.execution.worker_process import LogCall, Message, StepEnded, StepRaised, WorkerStarted
from suite.planning import Step
from suite.planning.devices import device_count_of
from suite.results.store import Owner


class ProcessExecutor:
    """Runs steps in worker processes: as many as there are placements, each with its own device and threads."""

    def __init__(self, placements: Sequence[Placement]) -> None:
        self.placements = tuple(placements)
        self._context = starting()

    @property
    def workers(self) -> int:
        """How many steps run at a time."""
        return len(self.placements)

    def check(self, device: str | None) -> None:
        """Raises SuiteError if a run's device is not that of all placements."""
        own = [each.device for each in self.placements]
        if device is not None and any(each != device and not (each or "").startswith(f"{device}:") for each in own):
            names = ", ".join(each or "the default one" for each in dict.fromkeys(own))
            what = f"'{device}' would be ignored: the placements of the executor name {names}"
            raise SuiteError(what, where="device", fix="leave it out, or name it in the placements")

    def prepare(self) -> None:
        """Begin to import what worker processes need, so that it is there when the plan is made."""
        preload(self._context, min(each.threads for each in self.placements))

    def run(self, schedule: Schedule, context: StepContext) -> None:
        """Run all steps of the schedule. A process that dies gives its step back at once.

        Raises EndedBySignal after a signal, once all steps are cancelled; and the exception of a bug, once the other
        steps are.
        """
        self.prepare()
        alone = len(self.placements) == 1
        team = [
            Member(WorkerProcess(self._context, replace(context, device=each.device, divided=alone), each.threads))
            for each in self.placements
        ]
        waiting: deque[Step] = deque()
        try:
            while not schedule.over:
                signals.check()
                self._hand_out(team, schedule, waiting)
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
                member.process.close()

    def _hand_out(self, team: Sequence[Member[WorkerProcess]], schedule: Schedule, waiting: deque[Step]) -> None:
        """Give steps to the processes without one. A step that several GPUs train together waits until the first so
        many are free, and their processes get no other one meanwhile."""
        for number, member in enumerate(team):
            on_gpu = self.placements[number].gpu is not None
            while member.step is None and not self._reserved(member, team, waiting):
                step = schedule.ready(member.previous)
                if step is None:
                    break
                if not on_gpu or device_count_of(step.work) == 1:
                    member.begin(step, schedule.log(step))
                else:
                    waiting.append(step)
        if waiting and all(member.step is None for member in self._sharing(team, waiting[0])):
            for member in self._sharing(team, waiting[0]):
                member.process.close()  # it would keep its model in the memory of its GPU
            step = waiting.popleft()
            team[0].begin(step, schedule.log(step))

    def _reserved(
        self, member: Member[WorkerProcess], team: Sequence[Member[WorkerProcess]], waiting: deque[Step]
    ) -> bool:
        """Whether a process's GPU is in use by a step that several GPUs train together, or such a step waits for it."""
        steps = [*([] if team[0].step is None else [team[0].step]), *([waiting[0]] if waiting else [])]
        return any(device_count_of(step.work) > 1 and member in self._sharing(team, step) for step in steps)

    def _sharing(self, team: Sequence[Member[WorkerProcess]], step: Step) -> list[Member[WorkerProcess]]:
        """The processes on the GPUs that train a step together: from that of the first process on."""
        first = self.placements[0].gpu or 0
        gpus = range(first, first + device_count_of(step.work))
        return [member for member, placement in zip(team, self.placements, strict=True) if placement.gpu in gpus]

    def _listen(self, team: Sequence[Member[WorkerProcess]], schedule: Schedule, seconds: float) -> None:
        """Handle what the working processes send, and their deaths; wait for something at most this long."""
        by_handle = {handle: member for member in team if member.step for handle in member.process.handles}
        ready = wait(list(by_handle), timeout=seconds)
        for member in dict.fromkeys(by_handle[handle] for handle in ready):
            member.hear(schedule)

    def _cancel(self, team: Sequence[Member[WorkerProcess]], schedule: Schedule, number: int) -> None:
        """Pass a signal on to the working processes, and wait until each has given up its step."""
        for member in team:
            if member.step is not None:
                member.process.signal(number)
        while any(member.step for member in team):
            with suppress(signals.EndedBySignal):
                self._listen([member for member in team if member.step], schedule, POLL_SECONDS)


def executor_of(workers: Workers, device: str | None) -> ProcessExecutor | None:
    """The executor for so many workers, which begins to prepare them; None for one, which needs no other process.

    Raises SuiteError for a number below 1.
    """
    if checked(workers) == 1:
        return None
    executor = ProcessExecutor(placements(workers, device))
    executor.prepare()
    return executor


class StepProcess(Protocol):
    """What a member of a team needs of a worker process: `suite.execution.process.WorkerProcess`, or one elsewhere."""

    def send(self, step: Step) -> None:
        """Let it run a step."""

    def messages(self) -> Iterator[object]:
        """Yield what it has sent by now, up to the result of its step, or that it has died."""

    def signal(self, number: int) -> None:
        """Send it a signal."""


P = TypeVar("P", bound=StepProcess)


@dataclass(eq=False)
class Member(Generic[P]):
    """A worker process with its step, and the one before."""

    process: P
    step: Step | None = None
    previous: Step | None = None
    died: bool = False
    """Whether its process died in its last step."""
    _owner: Owner | None = None
    _log: StepLog | None = None

    def begin(self, step: Step, log: StepLog) -> None:
        """Send a step to the process."""
        self.step, self._log, self.died = step, log, False
        self.process.send(step)

    def hear(self, schedule: Schedule) -> None:
        """Handle all that the process has sent by now; if it has died, give its step back."""
        for message in self.process.messages():
            self._handle(message, schedule)

    def _handle(self, message: object, schedule: Schedule) -> None:
        step = self.step
        if step is None or self._log is None:
            return
        match message:
            case WorkerStarted():
                self._owner = message.process
            case LogCall():
                getattr(self._log, message.name)(*message.arguments)
            case Message():
                schedule.progress.say(message.text)
            case StepEnded():
                self.step, self.previous = None, step
                schedule.ended(step, message.result)
            case StepRaised():
                self.step = None
                raise message.error from _WorkerTraceback(message.trace)
            case ProcessDied():
                self.step = self.previous = None
                self.died = True
                schedule.died(step, message.how, self._owner)


class _WorkerTraceback(Exception):
    """The traceback of a worker process, as the cause of its exception here."""

    def __str__(self) -> str:
        return f"\n{self.args[0]}"
