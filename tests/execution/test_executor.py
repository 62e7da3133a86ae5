"""Steps can be done elsewhere: what a step is told and what comes of it travel between processes."""

from __future__ import annotations

import os
import pickle
import signal
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest
import yaml

import suite
from suite.api.planning import PlannedRun
from suite.core.run_dir import RunDir
from suite.execution.context import StepContext
from suite.execution.executor import Executor
from suite.execution.outcome import Outcome
from suite.execution.placement import Placement
from suite.execution.processes import ProcessExecutor
from suite.execution.schedule import Schedule
from suite.execution.worker import Done, close_worker, run_step
from tests.cli.calls import SMALL
from tests.execution.test_run import results, rows

SETS = dict(setting.split("=") for setting in SMALL if setting != "--set")
QUICK = {name: yaml.safe_load(value) for name, value in SETS.items()} | {"method.steps": 6}


@dataclass(frozen=True)
class FileLog:
    """What attempts say, as lines of a file: plain enough to be sent anywhere."""

    file: Path

    def begin(self, title: str) -> None:
        self.say(f"{os.getpid()}\t{title}")

    def progress(self, step: int, total: int, loss: float, score: float | None = None) -> None:
        """Nobody watches."""

    def answered(self, documents: int, total: int, tokens: int, seconds: float) -> None:
        """Nobody watches."""

    def say(self, text: str) -> None:
        with self.file.open("a") as out:
            out.write(f"{text}\n")

    def say_once(self, text: str) -> None:
        """The same as the first time."""


class OtherProcess:
    """Does the steps of a plan in a process that is started for it, and in another if that one dies."""

    def __init__(self, log: FileLog) -> None:
        self.log = log
        self.deaths = 0

    def run(self, schedule: Schedule, context: StepContext) -> None:
        pool = self._pool()
        while step := schedule.take():
            try:
                schedule.ended(step, pool.submit(run_step, step, context, self.log).result())
            except BrokenProcessPool:
                self.deaths += 1
                pool = self._pool()
                schedule.ended(step, pool.submit(run_step, step, context, self.log).result())
        pool.shutdown()

    def _pool(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(1, mp_context=get_context("spawn"))


class Dying(OtherProcess):
    """Its first process is killed as soon as it has begun to train."""

    def _pool(self) -> ProcessPoolExecutor:
        pool = super()._pool()
        if not self.deaths:
            pool.submit(_die_when_training)
        return pool


def _die_when_training() -> None:
    from suite.execution.session import Session

    def die(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    Session.train = die  # type: ignore[method-assign,assignment]


def planned(home: Path) -> PlannedRun:
    return suite.plan(suite.load_spec("specs/finetune_rte.yaml", track="micro", overrides=QUICK), home=home)


def run(home: Path, executor: Executor | None) -> Outcome:
    return suite.run(planned(home), device="cpu", executor=executor)


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("local")
    assert run(home, None).exit_code == 0
    return home


@pytest.mark.parametrize("kind", [OtherProcess, Dying])
def test_another_process_does_the_same(kind: type[OtherProcess], local: Path, tmp_path: Path) -> None:
    executor = kind(FileLog(tmp_path / "log"))
    outcome = run(tmp_path / "home", executor)
    assert (outcome.exit_code, outcome.done) == (0, len(planned(local).plan.steps))
    assert results(tmp_path / "home") == results(local)
    processes = {line.split("\t")[0] for line in executor.log.file.read_text().splitlines()}
    assert str(os.getpid()) not in processes
    assert executor.deaths == (kind is Dying)
    assert len(processes) == 1 + executor.deaths
    attempts = dict(rows(tmp_path / "home", "SELECT kind, max(attempts) FROM step GROUP BY kind"))
    assert attempts == {"train": 1 + executor.deaths, "evaluate": 1}


def test_what_comes_of_a_step_travels_too(tmp_path: Path) -> None:
    made = planned(tmp_path)
    context = StepContext(RunDir(tmp_path), replace(made.inputs, rates=None), "cpu")
    assert pickle.loads(pickle.dumps(context)) == context
    steps = pickle.loads(pickle.dumps(made.plan.steps))
    assert [step.id for step in steps] == [step.id for step in made.plan.steps]
    result = Done(1.5, None, ("a",))
    assert pickle.loads(pickle.dumps(result)) == result
    close_worker()


def test_options_that_an_executor_would_ignore_are_refused_in_one_line(tmp_path: Path) -> None:
    made, two = planned(tmp_path), ProcessExecutor((Placement("cpu", 1), Placement("cpu", 1)))
    with pytest.raises(suite.SuiteError) as raised:
        suite.run(made, executor=two, workers=3)
    assert str(raised.value) == (
        "workers: would be ignored: an executor says itself how many steps run at a time; leave it out, or give the "
        "executor this number"
    )
    with pytest.raises(suite.SuiteError, match="'cuda:1' would be ignored: the placements of the executor name cpu"):
        suite.run(made, executor=two, device="cuda:1")
    assert not (tmp_path / "suite.db").exists()
    two.check("cpu")
    ProcessExecutor((Placement("cuda:0", 1), Placement("cuda:1", 1))).check("cuda")


@pytest.mark.parametrize("workers", [0, -1, True, "two"])
def test_what_is_no_number_of_workers_is_refused(workers: Any, tmp_path: Path) -> None:
    with pytest.raises(suite.SuiteError, match=f"workers: '{workers}' is no number of workers; write a number from 1"):
        suite.run(planned(tmp_path), workers=workers)
