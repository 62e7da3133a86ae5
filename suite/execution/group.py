"""Trains a step in several processes, one for each device; this process supervises them and has no model.

A process that fails or dies ends all of them, and so does the end of this one. A signal ends training after the current
optimiser step, with a checkpoint.
"""

from __future__ import annotations

import secrets
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Final

import torch

from suite.core.errors import StepFailed, SuiteError
from suite.core.signals import EndedBySignal
from suite.execution.child import REASON_SECONDS, ChildProcess, read
from suite.execution.group_messages import (
    End,
    Finished,
    Message,
    Notice,
    RankFailure,
    RankTask,
    Resumed,
    Spent,
    Stepped,
)
from suite.models.artifacts import load_artifact
from suite.models.backbone import device_of
from suite.training.data.source import Spending
from suite.training.job import Trained
from suite.training.loop import Log

ARTIFACT: Final = "trained"
"""The folder of the artifact in the attempt's folder, until it is published."""
MEETING: Final = "meeting"
"""The file in the attempt's folder by which the processes find each other."""
END_SECONDS: Final = 60.0
"""After a signal, processes that have not ended within this time are killed; the last checkpoint stays."""


def devices_of(device: str | None, count: int) -> list[str]:
    """The devices of `count` processes, from the one of this name on; None: GPUs if there are any.

    Raises SuiteError if there are too few.
    """
    first = device_of(device)
    if first.type == "cpu":
        return ["cpu"] * count
    start, here = first.index or 0, torch.cuda.device_count() if first.type == "cuda" else 1
    if first.type != "cuda" or start + count > here:
        what = f"budget.shard: {count} devices from {first} on are needed, and {here} can be used here"
        raise SuiteError(what, fix="lower it, or run with `--device cpu`")
    return [f"cuda:{start + rank}" for rank in range(count)]


def train_in_group(task: RankTask, folder: Path, log: Log, spending: Spending) -> tuple[Trained, str]:
    """Train the task's step in `task.count` processes. Returns the result and the identity of the base model.

    `folder` is the step's own, in which each attempt makes one for itself: an attempt that lost its step may still run
    beside its successor. What the processes printed stays there after a failure. Raises StepFailed with the reason of
    the process that failed first.
    """
    group = _Group(log, spending)
    with _attempt(folder) as own:
        try:
            for rank, device in enumerate(devices_of(task.device or None, task.count)):
                group.start(replace(task, rank=rank, device=device, folder=own, spent=spending.to_keep()))
            result = group.run()
        finally:
            group.close()
        assert result.fit is not None
        artifact = load_artifact(own / ARTIFACT, result.base)
    return Trained(artifact, result.fit, result.trained_parameters, result.findings), result.base


@contextmanager
def _attempt(folder: Path) -> Iterator[Path]:
    """Context manager with a folder for one attempt, removed on exit. After StepFailed, what was printed stays."""
    own = folder / f"group-{secrets.token_hex(4)}.part"
    own.mkdir(parents=True)
    try:
        yield own
    except StepFailed:
        shutil.rmtree(own / ARTIFACT, ignore_errors=True)
        raise
    except BaseException:
        shutil.rmtree(own, ignore_errors=True)
        raise
    shutil.rmtree(own, ignore_errors=True)


@dataclass(frozen=True)
class _Process:
    rank: int
    device: str
    child: ChildProcess
    output: Path

    @property
    def connection(self) -> Connection:
        return self.child.connection

    @property
    def process(self) -> subprocess.Popen[bytes]:
        return self.child.process


class _Group:
    def __init__(self, log: Log, spending: Spending) -> None:
        self._log, self._spending = log, spending
        self._members: list[_Process] = []
        self._finished: dict[int, Finished] = {}
        self._ended: set[int] = set()
        self._ending = False
        self._failures: dict[int, RankFailure] = {}

    def start(self, task: RankTask) -> None:
        """Start a process, which waits for the others before it trains."""
        output = task.folder / f"device-{task.rank}.log"
        with output.open("wb") as file:
            child = ChildProcess.start("suite.execution.rank_process", file)
        self._members.append(_Process(task.rank, task.device, child, output))
        with suppress(OSError):  # one that is gone already is noticed later
            child.connection.send(task)

    def run(self) -> Finished:
        """Pass on what the processes say until all are done. Returns the first one's result."""
        try:
            self._until(lambda: len(self._finished) == len(self._members))
        except EndedBySignal as end:
            self._end(end)
            raise
        self._spending.resume({"peak_memory": max(each.peak_memory for each in self._finished.values())})
        return self._finished[0]

    def close(self) -> None:
        """End all processes at once; those that are done have waited for it."""
        for each in self._members:
            each.connection.close()
        for each in self._members:
            if each.rank not in self._finished:
                each.process.kill()
            try:
                each.process.wait(REASON_SECONDS)
            except subprocess.TimeoutExpired:
                each.process.kill()
                each.process.wait()

    def _end(self, end: EndedBySignal) -> None:
        """Let the processes end after the current optimiser step, or kill them if that takes too long."""
        self._ending = True
        with suppress(OSError):
            self._members[0].connection.send(End(end.number))
        with suppress(StepFailed):
            self._until(lambda: self._ended | set(self._finished) >= set(range(len(self._members))), END_SECONDS)

    def _until(self, over: Callable[[], bool], seconds: float | None = None) -> None:
        """Take messages until it is `over`. Raises StepFailed if a process fails."""
        limit = None if seconds is None else time.monotonic() + seconds
        while not over():
            self._receive(0.5)
            if limit is not None and time.monotonic() > limit:
                return
            if self._failures:
                self._listen()
                raise StepFailed(self._reason())

    def _listen(self) -> None:
        """Hear what the other processes say about a failure."""
        limit = time.monotonic() + REASON_SECONDS
        while all(each.follows for each in self._failures.values()) and time.monotonic() < limit:
            self._receive(0.1)

    def _receive(self, seconds: float) -> None:
        open_now = {each.connection: each for each in self._members if each.rank not in self._failures}
        for ready in wait(list(open_now), seconds):
            member = open_now[ready]  # type: ignore[index]
            try:
                message: Message = member.connection.recv()
            except (EOFError, OSError):
                if member.rank not in self._ended:
                    self._failures[member.rank] = RankFailure(_death(member, len(self._members)))
                continue
            self._take(member, message)

    def _take(self, member: _Process, message: Message) -> None:
        if isinstance(message, Stepped):
            if self._ending:  # the log would raise the signal again
                return
            self._log.progress(message.step, message.total, message.loss, message.score)
        elif isinstance(message, Notice):
            self._log.say(message.text)
        elif isinstance(message, Spent):
            self._spending.add_tokens(message.tokens)
        elif isinstance(message, Resumed):
            self._spending.resume(message.kept)
        elif isinstance(message, RankFailure):
            self._failures[member.rank] = message
        elif isinstance(message, End):
            self._ended.add(member.rank)
        else:
            self._finished[member.rank] = message

    def _reason(self) -> str:
        """Why the group failed: the first cause, not what followed from it."""
        return min(self._failures.values(), key=lambda each: each.follows).reason


def _death(member: _Process, count: int) -> str:
    """What is known of a process that ended without a word."""
    return f"the process of {member.device} ({member.rank + 1} of {count}) {member.child.death(read(member.output))}"
