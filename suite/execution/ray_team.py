"""The actors of a run on a Ray cluster.

Signals are held in Ray's calls: its compiled code would turn their exception into a SystemError.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from suite.core import signals
from suite.core.errors import SuiteError
from suite.execution.context import StepContext
from suite.execution.placement import Workers
from suite.execution.process import ProcessDied
from suite.execution.processes import Member
from suite.execution.ray_worker import RayWorker
from suite.execution.schedule import Schedule
from suite.planning import Step

POLL_SECONDS: Final = 0.2
LOOK_SECONDS: Final = 5.0
"""How often the size of the cluster is looked at."""
CLOSE_SECONDS: Final = 10.0
THREADS: Final = 1


class _Actor:
    """A `RayWorker` as a `Member` drives it."""

    def __init__(self, ray: Any, context: StepContext, needs: dict[str, float], check: tuple[str, str]) -> None:
        self._ray = ray
        remote = ray.remote(RayWorker).options(max_concurrency=4, max_restarts=0, max_task_retries=0, **needs)
        with signals.held():
            self.handle = remote.remote(context, THREADS, Path.cwd())
            self.checked = self.handle.problem.remote(*check)
        """A reference to what is wrong with the node; it is there once the actor has its resources."""
        self.stream: Any = None

    def send(self, step: Step) -> None:
        """Begin to run a step."""
        with signals.held():
            self.stream = self.handle.run.options(num_returns="streaming").remote(step)

    def messages(self) -> Iterator[object]:
        """Yield what was sent by now; if the actor or its node is gone, that the process died."""
        while self.stream is not None:
            with signals.held():
                ready, _ = self._ray.wait([self.stream], timeout=0, fetch_local=False)
            if not ready:
                return
            try:
                with signals.held():
                    message = self._ray.get(next(self.stream))
            except StopIteration:
                self.stream = None
            except self._ray.exceptions.RayError as error:
                self.stream = None
                yield ProcessDied(f"its node or its process was lost: {type(error).__name__}")
            else:
                yield message

    def signal(self, number: int) -> None:
        """Send the worker process a signal."""
        with signals.held():
            self.handle.signal.remote(number)

    def kill(self) -> None:
        """End the actor."""
        with signals.held():
            self._ray.kill(self.handle, no_restart=True)


class RayTeam:
    """The actors of a run: as many as the cluster has room for, or as are wanted, and never more than steps."""

    def __init__(self, ray: Any, wanted: Workers, context: StepContext, token: str, devices: int) -> None:
        """`devices` is how many GPUs a worker needs: as many as the widest step."""
        self._ray, self._wanted, self._context, self._token, self._devices = ray, wanted, context, token, devices
        self.ended: list[Step] = []
        """Steps whose attempt has ended since they were last looked at."""
        self._starting: list[_Actor] = []
        self._members: list[Member[_Actor]] = []
        self._looked, self._count, self._needs = 0.0, 0, dict[str, float]()

    @property
    def working(self) -> bool:
        """Whether any actor has a step, or is being started."""
        return bool(self._starting) or any(member.step for member in self._members)

    def fill(self, schedule: Schedule) -> None:
        """Start actors where there is room, and give steps to those without one. Raises SuiteError for a wrong node."""
        self._look()
        for _ in range(min(self._count, schedule.left) - len(self._starting) - len(self._members)):
            check = (self._token, next(iter(schedule.steps)))
            self._starting.append(_Actor(self._ray, self._context, self._needs, check))
        for actor in list(self._starting):
            self._admit(actor)
        for member in self._members:
            if member.step is None and (step := schedule.ready(member.previous)) is not None:
                member.begin(step, schedule.log(step))

    def listen(self, schedule: Schedule) -> None:
        """Handle what the actors send, and their deaths; wait for something for a short time."""
        busy = {member.process.stream: member for member in self._members if member.step is not None}
        waiting = [*busy, *(actor.checked for actor in self._starting)]
        if not waiting:
            return time.sleep(POLL_SECONDS)
        with signals.held():
            self._ray.wait(waiting, timeout=POLL_SECONDS, fetch_local=False)
        for member in busy.values():
            step = member.step
            member.hear(schedule)
            if member.died:
                self._members.remove(member)
                member.process.kill()
            elif member.step is None and step is not None:
                self.ended.append(step)

    def cancel(self, schedule: Schedule, number: int) -> None:
        """Pass a signal on to the working processes, and wait until each has given up its step."""
        for member in self._members:
            if member.step is not None:
                member.process.signal(number)
        while any(member.step for member in self._members):
            with suppress(signals.EndedBySignal):
                self.listen(schedule)

    def close(self) -> None:
        """End all actors."""
        with signals.held():
            ends = [member.process.handle.close.remote() for member in self._members]
            if ends:
                self._ray.wait(ends, num_returns=len(ends), timeout=CLOSE_SECONDS)
            for actor in (*self._starting, *(member.process for member in self._members)):
                actor.kill()

    def _look(self) -> None:
        """Find out how many actors the cluster has room for."""
        if time.monotonic() - self._looked < LOOK_SECONDS and self._count:
            return
        with signals.held():
            self._looked, has = time.monotonic(), self._ray.cluster_resources()
        on_gpu = has.get("GPU", 0) >= 1 and self._context.device in (None, "cuda")
        self._needs = {"num_gpus": self._devices, "num_cpus": 1} if on_gpu else {"num_cpus": 1}
        room = int(has.get("GPU", 0)) // self._devices if on_gpu else int(has.get("CPU", 0))
        self._count = max(room, 1) if self._wanted == "auto" else self._wanted

    def _admit(self, actor: _Actor) -> None:
        """Let an actor work once its node is checked. Raises SuiteError if the node lacks what steps need."""
        with signals.held():
            checked, _ = self._ray.wait([actor.checked], timeout=0)
        if not checked:
            return
        self._starting.remove(actor)
        try:
            with signals.held():
                problem = self._ray.get(actor.checked)
        except self._ray.exceptions.RayError:  # its node was lost: another one is started
            return
        if problem is not None:
            actor.kill()
            raise SuiteError(problem, where="--executor ray")
        self._members.append(Member(actor))
