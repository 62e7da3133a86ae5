"""One of the processes that train a step together: `python -m suite.execution.rank_process CONNECTION`.

All of them train in the same way. The first one also writes checkpoints, the artifact and messages. Signals are for the
process that supervises them; when it is gone, they are, too.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import traceback
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from multiprocessing.connection import Connection
from typing import Any, Final

import torch
from torch import distributed

from suite.core.disk import DiskSpace
from suite.core.signals import ENDING, EndedBySignal
from suite.execution.cost import Cost
from suite.execution.group import ARTIFACT, MEETING
from suite.execution.group_messages import End, Finished, Notice, RankFailure, RankTask, Resumed, Spent, Stepped
from suite.execution.jobs import job_of, trained
from suite.execution.outcome import reason_of
from suite.execution.session import Session
from suite.models.backbone import Backbone
from suite.planning.steps import Train
from suite.results.store import Costs
from suite.training.data.source import UNCOUNTED
from suite.training.job import Job, Trained
from suite.training.ranks import RankDone, Ranks, training_as

TIMEOUT: Final = timedelta(hours=1)
"""The longest time that a process waits for the others: the first one may write a large checkpoint. The supervisor
notices dead ones at once."""


class _Supervisor:
    """The connection to the process that supervises this one."""

    def __init__(self, connection: Connection) -> None:
        self.connection, self.signal = connection, 0
        self.task: RankTask = connection.recv()
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        """Take its wish to end training; without it, end at once."""
        while True:
            try:
                message = self.connection.recv()
            except (EOFError, OSError):
                os._exit(0)
            self.signal = message.signal


@dataclass(frozen=True)
class _Reported:
    """The log and the costs of the first process, which the supervisor learns."""

    to: Connection
    cost: Cost

    def progress(self, step: int, total: int, loss: float, score: float | None = None) -> None:
        self.to.send(Stepped(step, total, loss, score))

    def say(self, text: str) -> None:
        self.to.send(Notice(text))

    def add_tokens(self, count: int) -> None:
        self.cost.add_tokens(count)
        self.to.send(Spent(count))

    def to_keep(self) -> Mapping[str, Any]:
        return self.cost.to_keep()

    def resume(self, kept: Mapping[str, Any]) -> None:
        self.cost.resume(kept)
        self.to.send(Resumed(kept))


class _Mute:
    """The log of the other processes, which would say the same."""

    def progress(self, step: int, total: int, loss: float, score: float | None = None) -> None:
        """Do nothing."""

    def say(self, text: str) -> None:
        """Do nothing."""


def main() -> None:
    """Train as a process of a group, say how it ended, and wait for the end of the supervisor's connection."""
    for each in ENDING:
        signal.signal(each, signal.SIG_IGN)
    warnings.filterwarnings("ignore", message="FSDP2-wrapped module")
    supervisor = _Supervisor(Connection(int(sys.argv[1])))
    connection = supervisor.connection
    try:
        connection.send(_train(supervisor))
    except EndedBySignal as end:
        connection.send(End(end.number))
    except BaseException as error:
        traceback.print_exc()
        sys.stderr.flush()
        connection.send(_failure(error, supervisor.task))
    threading.Event().wait()  # no process may leave while others still take its part in a sum


def _failure(error: BaseException, task: RankTask) -> RankFailure:
    if reason := reason_of(error):
        return RankFailure(reason)
    text = " ".join(str(error).split())[:300]
    follows = isinstance(error, distributed.DistError) or "closed by peer" in text or "gloo" in text.lower()
    return RankFailure(
        f"the process of {task.device} ({task.rank + 1} of {task.count}): {type(error).__name__}: {text}", follows
    )


def _train(supervisor: _Supervisor) -> Finished:
    task = supervisor.task
    device = torch.device(task.device)
    if device.type == "cuda":
        torch.cuda.set_device(device)
    else:
        os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
        torch.set_num_threads(max(1, torch.get_num_threads() // task.count))
    distributed.init_process_group(
        "nccl" if device.type == "cuda" else "gloo",
        init_method=(task.folder / MEETING).absolute().as_uri(), rank=task.rank, world_size=task.count, timeout=TIMEOUT,
    )  # fmt: skip
    cost = Cost(Costs(**{name: value or None for name, value in task.spent.items()}))
    ranks = Ranks(task.rank, task.count, device, lambda: supervisor.signal)
    with cost.measured(task.device), training_as(ranks):
        job = _job(task, _Reported(supervisor.connection, cost) if ranks.first else None)
        try:
            result = trained(task.step, _work(task), job)
        except RankDone:
            return Finished(cost.peak_memory)
    return _saved(task, job, result, cost.peak_memory)


def _saved(task: RankTask, job: Job, result: Trained, peak: int) -> Finished:
    folder, base = task.folder / ARTIFACT, job.backbone.identity
    result.artifact.save(folder, base=base, extra={"step": task.step.id})
    fit = replace(result.fit, best={})
    return Finished(peak, fit, base, result.trained_parameters, result.findings)


def _work(task: RankTask) -> Train:
    assert isinstance(task.step.work, Train)
    return task.step.work


def _job(task: RankTask, reported: _Reported | None) -> Job:
    work = _work(task)
    sharding = work.methods.get(work.method).requirements(work.config).sharding
    # a model that is divided need not fit on one device: it is loaded beside it
    session = Session(task.home, task.inputs, task.device if sharding == "nothing" else "cpu")
    backbone: Backbone = replace(session.backbone(work.track), device=torch.device(task.device))
    return job_of(
        work, backbone, task.inputs.data, session.parents(work, backbone, task.hashes),
        task.home.work(task.step.id),
        disk=DiskSpace(task.home.folder, task.max_disk) if reported else None,
        log=reported or _Mute(),
        spending=reported or UNCOUNTED,
    )  # fmt: skip


if __name__ == "__main__":
    main()
