"""A group of processes: a signal leaves a checkpoint for any number of devices, and a dead process ends all of them."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar

import psutil
import pytest
import torch

from suite.core.errors import StepFailed, SuiteError
from suite.core.run_dir import RunDir
from suite.core.signals import EndedBySignal
from suite.execution.artifacts import TrainOutcome
from suite.execution.group import devices_of
from suite.execution.session import Session
from suite.planning import Inputs, Step, Train, make_plan
from suite.specs import Options, load
from suite.tasks.data import DataLocations
from suite.training.loop import Log
from tests.cli.calls import start
from tests.forks import Forked
from tests.models.tiny_budget import Memory

T = TypeVar("T")
SMALL = ("budget.batch_size=7", "selection.documents=8", "method.steps=9", "method.select_every=4", "method.warmup=3")


def step_of(specs: Path, *sets: str, name: str = "finetune_rte") -> Step:
    steps = make_plan(
        load([specs / f"{name}.yaml"], Options("micro", sets=(*SMALL, *sets))), Inputs(DataLocations())
    ).steps
    (step,) = (step for step in steps if isinstance(step.work, Train))
    return step


def train(step: Step, home: Path, log: Log) -> TrainOutcome:
    assert isinstance(step.work, Train)
    return Session(RunDir(home), Inputs(DataLocations()), "cpu").train(step, step.work, log, {})


@dataclass
class Signalled(Memory):
    """A log that a signal interrupts at a step."""

    def progress(self, step: int, total: int, loss: float, score: float | None = None) -> None:
        self.losses.append(loss)
        if step == self.stop:
            raise EndedBySignal(signal.SIGTERM)


@dataclass
class Killing(Memory):
    """A log that kills the second process of a group at a step."""

    started: list[Forked] = field(default_factory=list)

    def progress(self, step: int, total: int, loss: float, score: float | None = None) -> None:
        if step == self.stop:
            running(self.started)[1].kill()


@dataclass
class Beside(Memory):
    """A log that makes another attempt at the step in the middle of this one."""

    beside: Callable[[], object] = lambda: None
    folder: Path = Path()
    found: list[dict[str, int]] = field(default_factory=list)
    """The files of attempts, each with its number on the disk, before and after the other attempt."""

    def progress(self, step: int, total: int, loss: float, score: float | None = None) -> None:
        if step == self.stop:
            self.found.append(files_of_attempts(self.folder))
            self.beside()
            self.found.append(files_of_attempts(self.folder))


def files_of_attempts(work: Path) -> dict[str, int]:
    return {
        str(file.relative_to(work)): file.stat().st_ino
        for file in work.rglob("*")
        if file.is_file() and "checkpoint" not in file.name
    }


@pytest.fixture(autouse=True)
def started(monkeypatch: pytest.MonkeyPatch) -> list[Forked]:
    """The processes of groups, in the order in which they were started: forked, as imports take most of the time."""
    started: list[Forked] = []

    def fork(command: Sequence[str], **how: Any) -> Forked:
        started.append(Forked.like(command, **how))
        return started[-1]

    monkeypatch.setattr("suite.execution.child.subprocess", SimpleNamespace(**{**vars(subprocess), "Popen": fork}))
    return started


def running(started: list[Forked]) -> list[Forked]:
    return [each for each in started if each.poll() is None]


def waited(condition: Callable[[], T], seconds: float = 90) -> T:
    """The first true value of a condition."""
    limit = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < limit
        time.sleep(0.1)
    return value


def test_a_signal_leaves_a_checkpoint_from_which_one_process_goes_on(
    specs: Path, tmp_path: Path, started: list[Forked]
) -> None:
    alone, two = step_of(specs), step_of(specs, "budget.shard=2")
    assert alone.id == two.id
    log = Signalled(5)
    with pytest.raises(EndedBySignal):
        train(two, tmp_path / "cut", log)
    assert (len(started), running(started)) == (2, [])
    whole, resumed, rest = Memory(), Memory(), tmp_path / "cut"
    expected, done = train(alone, tmp_path / "whole", whole), train(alone, rest, resumed)
    assert len(log.losses) == 5
    (said,) = (text for text in resumed.said if text.startswith("going on after step "))
    after = int(said.rpartition(" ")[2])
    assert 5 <= after < 9
    assert log.losses == pytest.approx(whole.losses[:5], abs=1e-5)
    assert resumed.losses == pytest.approx(whole.losses[after:], abs=1e-5)
    assert [score for _, name, score in done.curve if name == "selection"] == [
        score for _, name, score in expected.curve if name == "selection"
    ]
    for name, tensor in expected.artifact.tensors.items():
        torch.testing.assert_close(done.artifact.tensors[name], tensor, rtol=1e-3, atol=1e-5)


def test_a_process_that_dies_ends_the_step_in_one_line(specs: Path, tmp_path: Path, started: list[Forked]) -> None:
    began = time.monotonic()
    with pytest.raises(StepFailed) as caught:
        train(step_of(specs, "budget.shard=2", "method.steps=1000"), tmp_path, Killing(2, started=started))
    assert str(caught.value) == "the process of cpu (2 of 2) was killed by signal 9"
    assert time.monotonic() - began < 60
    assert running(started) == []


def test_two_attempts_at_a_step_share_no_file_and_leave_none(specs: Path, tmp_path: Path) -> None:
    step = step_of(specs, "budget.shard=2")
    work, other, artifacts = RunDir(tmp_path).work(step.id), Beside(stop=3), list[TrainOutcome]()
    other.folder = work
    log = Beside(stop=3, beside=lambda: artifacts.append(train(step, tmp_path, other)), folder=work)
    artifacts.append(train(step, tmp_path, log))
    assert artifacts[0].artifact.hash == artifacts[1].artifact.hash
    before, after = log.found
    assert before.items() <= after.items()
    assert len({Path(file).parts[0] for file in other.found[0]}) == 2
    assert len({Path(file).parts[0] for file in after}) == 1  # the other attempt has finished, and left nothing
    assert files_of_attempts(work) == {}


def test_what_the_processes_of_a_failed_attempt_printed_stays(
    specs: Path, tmp_path: Path, started: list[Forked], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    step, home = step_of(specs, "budget.shard=2", "method.steps=1000"), Path("runs")  # as the command names it
    with pytest.raises(StepFailed, match="killed by signal 9"):
        train(step, home, Killing(2, started=started))
    names = {Path(file).name for file in files_of_attempts(RunDir(home).work(step.id))}
    assert {"device-0.log", "device-1.log"} <= names


def test_a_failure_of_training_is_told_as_in_one_process(specs: Path, tmp_path: Path) -> None:
    sets = ("method.learning_rate=1e30", "method.warmup=0")
    reasons = []
    for count in (1, 2):
        with pytest.raises(StepFailed) as caught:
            train(step_of(specs, *sets, f"budget.shard={count}"), tmp_path / str(count), Memory())
        reasons.append(str(caught.value))
    assert reasons[0] == reasons[1] == "the loss is nan at step 2 of 9: try a lower learning rate"


def test_devices_that_are_not_here_are_refused() -> None:
    assert devices_of("cpu", 3) == ["cpu"] * 3
    with pytest.raises(
        SuiteError, match=r"budget\.shard: 2 devices from cuda:0 on are needed, and \d can be used here"
    ):
        devices_of("cuda:0", 2) if torch.cuda.device_count() < 2 else devices_of("cuda:0", 1000)


def test_processes_end_with_the_one_that_started_them(specs: Path, tmp_path: Path) -> None:
    sets = ("budget.shard=2", "method.steps=100000", "budget.batch_size=2", "selection.documents=1")
    parent = start(
        "run", specs / "finetune_rte.yaml", "--home", tmp_path, *(text for each in sets for text in ("--set", each))
    )
    try:
        started = waited(lambda: len(found := psutil.Process(parent.pid).children()) == 2 and found)
    finally:
        parent.kill()
        parent.wait()
    assert waited(lambda: not any(each.is_running() and each.status() != "zombie" for each in started))
