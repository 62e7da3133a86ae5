"""Steps in several processes of this machine: the same results as in one, whatever happens to the processes."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

import suite
from suite.core.run_dir import RunDir
from suite.execution.context import StepContext
from suite.execution.outcome import Outcome
from suite.execution.placement import Placement, placements, workers_of
from suite.execution.process import WorkerProcess, preload, starting
from suite.execution.processes import ProcessExecutor
from suite.execution.schedule import DEATHS, Schedule
from suite.planning import Inputs, Step
from suite.results.store import Owner
from suite.tasks.data import DataLocations
from tests.execution.test_executor import QUICK, planned
from tests.execution.test_run import results, rows

TWO = (Placement("cpu", 1), Placement("cpu", 1))
SPECS = ("specs/finetune_rte.yaml", "specs/lora_rte.yaml")


def run(home: Path, executor: ProcessExecutor, **sets: object) -> Outcome:
    plan = suite.plan(suite.load_spec(*SPECS, track="micro", overrides={**QUICK, **sets}), home=home)
    return suite.run(plan, executor=executor)


class Watched(ProcessExecutor):
    """Kills a worker process, found by the step that it begins, each time that a title has this word."""

    def __init__(self, word: str, deaths: int) -> None:
        super().__init__(TWO)
        self.word, self.left = word, deaths
        self.killed: Counter[str] = Counter()

    def run(self, schedule: Schedule, context: StepContext) -> None:
        end = threading.Event()
        watcher = threading.Thread(target=self._watch, args=(schedule, end), daemon=True)
        watcher.start()
        try:
            super().run(schedule, context)
        finally:
            end.set()
            watcher.join()

    def _watch(self, schedule: Schedule, end: threading.Event) -> None:
        while not end.wait(0.01):
            for each in list(schedule.progress._running.values()):
                if self.left and self.word in each.title and each.parts:
                    owner = schedule._store.leases([each.step])[each.step].owner
                    if owner is None or not psutil.pid_exists(owner.pid) or owner.pid == os.getpid():
                        continue
                    self.left -= 1
                    self.killed[each.title] += 1
                    each.parts = ()
                    self.kill(owner.pid)

    def kill(self, worker: int) -> None:
        """Kill a worker process."""
        os.kill(worker, signal.SIGKILL)


class Orphaned(Watched):
    """Kills the server that forked the workers instead, and looks whether their steps are given back while they run."""

    def __init__(self, word: str, deaths: int) -> None:
        super().__init__(word, deaths)
        self.returned: list[bool] = []
        """For each step that was given back, whether the process that had it still ran."""
        self.reasons: set[str] = set()

    def run(self, schedule: Schedule, context: StepContext) -> None:
        died = schedule.died

        def returned(step: Step, how: str, process: Owner | None = None) -> None:
            assert process is not None
            self.returned.append(not process.is_dead(None))
            self.reasons.add(how)
            died(step, how, process)

        schedule.died = returned  # type: ignore[method-assign]
        super().run(schedule, context)

    def kill(self, worker: int) -> None:
        server().kill()


def server() -> psutil.Process:
    """The process that forks this one's workers."""
    return next(each for each in psutil.Process().children() if "forkserver" in " ".join(each.cmdline()))


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("local")
    plan = suite.plan(suite.load_spec(*SPECS, track="micro", overrides=QUICK), home=home)
    assert suite.run(plan, device="cpu").exit_code == 0
    return home


def test_two_processes_do_the_same_as_one(local: Path, tmp_path: Path) -> None:
    outcome = run(tmp_path, ProcessExecutor(TWO))
    assert (outcome.exit_code, outcome.blocked) == (0, 0)
    assert results(tmp_path) == results(local)
    assert rows(tmp_path, "SELECT DISTINCT attempts FROM step") == [(1,)]
    owners = {owner.split(":")[1] for (owner,) in rows(tmp_path, "SELECT owner FROM step")}
    assert str(os.getpid()) not in owners
    assert run(tmp_path, ProcessExecutor(TWO)).reused == outcome.done


def test_a_step_goes_on_in_another_process_at_once_when_its_process_is_killed(
    local: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    executor = Watched("train lora", 2)
    began = time.monotonic()
    outcome = run(tmp_path, executor)
    assert outcome.exit_code == 0
    assert sum(executor.killed.values()) == 2
    assert results(tmp_path) == results(local)
    assert capsys.readouterr().err.count("its process ended (SIGKILL; perhaps memory ran out)") == 2
    assert rows(tmp_path, "SELECT max(attempts) FROM step WHERE title LIKE 'train lora%'") == [(3,)]
    assert time.monotonic() - began < 100  # a lease is longer


@pytest.mark.skipif("forkserver" not in multiprocessing.get_all_start_methods(), reason="no server forks here")
def test_workers_end_before_their_steps_go_on_elsewhere_when_the_server_that_forked_them_is_killed(
    local: Path, tmp_path: Path
) -> None:
    executor = Orphaned("train lora", 1)
    assert run(tmp_path, executor).exit_code == 0
    assert executor.returned
    assert not any(executor.returned)
    assert executor.reasons == {"the server that had forked it died"}
    assert results(tmp_path) == results(local)
    deaths = rows(tmp_path, "SELECT sum(attempts) - count(*) FROM step")
    assert deaths == [(len(executor.returned),)]  # no step was tried for anything else


def test_a_step_that_kills_its_process_each_time_fails_and_the_others_are_done(tmp_path: Path) -> None:
    executor = Watched("train lora", DEATHS + 1)
    outcome = run(tmp_path, executor, **{"method.steps": 200, "selection.every": 1})
    (title, reason), *others = outcome.failed.items()
    assert title.startswith("train lora")
    assert reason == f"its process ended {DEATHS + 1} times (SIGKILL; perhaps memory ran out)"
    assert not others
    assert outcome.blocked > 0
    statuses = dict(rows(tmp_path, "SELECT status, count(*) FROM step GROUP BY status"))
    assert statuses["failed"] == 1
    assert statuses["done"] == outcome.done


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_all_processes_and_the_next_run_goes_on(number: int, local: Path, tmp_path: Path) -> None:
    sets = [part for name, value in QUICK.items() for part in ("--set", f"{name}={value}")]
    command = [
        sys.executable,
        "-m",
        "suite",
        "run",
        *SPECS,
        "--track=micro",
        *sets,
        "--home",
        str(tmp_path),
        "--workers",
        "2",
    ]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("[1/"):  # the first step is done
                children = psutil.Process(process.pid).children(recursive=True)
                process.send_signal(number)
        code = process.wait()
    assert code == 128 + number
    assert not psutil.wait_procs(children, timeout=10)[1]
    assert rows(tmp_path, "SELECT count(*) FROM step WHERE status = 'running'") == [(0,)]
    assert run(tmp_path, ProcessExecutor(TWO)).exit_code == 0
    assert results(tmp_path) == results(local)


def test_the_time_limit_leaves_steps_and_says_so(tmp_path: Path) -> None:
    plan = suite.plan(suite.load_spec(*SPECS, track="micro", overrides={**QUICK, "method.steps": 3000}), home=tmp_path)
    outcome = suite.run(plan, executor=ProcessExecutor(TWO), max_seconds=12.0)
    assert outcome.exit_code == 0
    assert outcome.left > 0
    reasons = rows(tmp_path, "SELECT DISTINCT reason FROM step WHERE status = 'cancelled'")
    assert reasons == [("the time limit was reached (--max-time)",)]


def test_an_error_in_a_process_ends_the_run_with_its_traceback(tmp_path: Path) -> None:
    made = planned(tmp_path)
    broken = next(step for step in made.plan.steps if step.kind == "train")
    object.__setattr__(broken.work, "config", None)  # what no plan contains
    with pytest.raises(AttributeError) as raised:
        suite.run(made, executor=ProcessExecutor(TWO[:1]))
    assert not isinstance(raised.value, suite.SuiteError)
    assert "worker_process.py" in str(raised.value.__cause__)


def test_gpus_are_shared_out_and_cores_divided(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr("suite.execution.placement.gpu_names", lambda: ("A", "A"))
    monkeypatch.setattr("suite.execution.placement.cores", lambda: 8)
    monkeypatch.setattr("psutil.virtual_memory", lambda: SimpleNamespace(available=17e9))
    assert placements("auto", None) == (Placement("cuda:0", 4), Placement("cuda:1", 4))
    assert [each.device for each in placements(3, "cuda")] == ["cuda:0", "cuda:1", "cuda:0"]
    assert placements(2, "cuda:1") == (Placement("cuda:1", 4),) * 2
    assert placements("auto", "cpu") == (Placement("cpu", 1),) * 8
    assert placements("auto", "cuda:1") == (Placement("cuda:1", 8),)
    monkeypatch.setattr("suite.execution.placement.gpu_names", lambda: ())
    monkeypatch.setattr("psutil.virtual_memory", lambda: SimpleNamespace(available=5e9))
    assert placements("auto", None) == (Placement(None, 4),) * 2
    assert placements(3, None) == (Placement(None, 2),) * 3
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    assert placements(2, "cpu") == (Placement("cpu", 5),) * 2


@pytest.mark.parametrize("text", ["0", "-1", "two", "1.5", "²", ""])
def test_what_is_no_number_of_workers_is_refused(text: str) -> None:
    with pytest.raises(suite.SuiteError, match="is no number of workers"):
        workers_of(text)
    assert workers_of("auto") == "auto"
    assert workers_of("12") == 12


@pytest.mark.skipif("forkserver" not in multiprocessing.get_all_start_methods(), reason="no server forks here")
def test_a_process_is_started_although_the_server_that_forks_it_is_killed_meanwhile(tmp_path: Path) -> None:
    context = starting()
    preload(context, 1)
    forking = server()
    forking.suspend()  # it accepts the request, and will not answer
    killing = threading.Timer(1.0, forking.kill)
    killing.start()
    worker = WorkerProcess(context, StepContext(RunDir(tmp_path), Inputs(DataLocations())), 1)
    worker._start()
    killing.join()
    assert worker._process is not None
    assert worker._process.is_alive()
    assert not forking.is_running() or forking.status() == psutil.STATUS_ZOMBIE
    worker.close()
