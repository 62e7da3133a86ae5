"""Steps on a real Ray cluster of several nodes on this machine, each with a home of its own."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest

import suite
from benchmarks.faults._cluster import Nodes
from suite.core.errors import StepFailed, SuiteError
from suite.core.run_dir import RunDir
from suite.execution.context import StepContext
from suite.execution.executors import chosen_executor
from suite.execution.outcome import Outcome
from suite.execution.planned_inputs import check_inputs
from suite.execution.ray_executor import RayExecutor
from suite.execution.ray_worker import NODE_HOME, RayWorker, node_home
from suite.execution.schedule import Schedule
from tests.execution.test_executor import QUICK, planned
from tests.execution.test_run import results, rows

ray = pytest.importorskip("ray")
SPECS = ("specs/finetune_rte.yaml", "specs/lora_rte.yaml")
pytestmark = pytest.mark.timeout(400)


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    with ExitStack() as cluster:
        try:
            nodes = cluster.enter_context(Nodes.started(tmp_path_factory.mktemp("nodes"), 2))
        except Exception as error:  # Ray's own: no port, no shared memory …
            pytest.skip(f"no Ray cluster can be started here: {error}")
        yield nodes


def lose(nodes: Nodes, process: int) -> None:
    """Kill the node that runs a process, and add another one."""
    nodes.lose(psutil.Process(process).environ()[NODE_HOME])
    nodes.add()


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("local")
    plan = suite.plan(suite.load_spec(*SPECS, track="micro", overrides=QUICK), home=home)
    assert suite.run(plan, device="cpu").exit_code == 0
    return home


def run(home: Path, nodes: Nodes, artifacts: Path | None, watch: Any = None, **options: Any) -> Outcome:
    executor = chosen_executor("ray", None, None, nodes.address, artifacts and str(artifacts))
    assert executor is not None
    if watch is not None:
        executor = Watched(executor, watch)
    plan = suite.plan(suite.load_spec(*SPECS, track="micro", overrides={**QUICK, **options.pop("sets", {})}), home=home)
    return suite.run(plan, device="cpu", executor=executor, **options)


class Watched:
    """Calls a function once with the process that trains, as soon as it has reported progress."""

    workers = 2

    def __init__(self, executor: Any, act: Any) -> None:
        self.executor, self.act = executor, act

    def run(self, schedule: Schedule, context: StepContext) -> None:
        end = threading.Event()
        thread = threading.Thread(target=self._watch, args=(schedule, end), daemon=True)
        thread.start()
        try:
            self.executor.run(schedule, context)
        finally:
            end.set()
            thread.join()

    def _watch(self, schedule: Schedule, end: threading.Event) -> None:
        while not end.wait(0.05):
            for each in list(schedule.progress._running.values()):
                if each.title.startswith("train") and each.parts:
                    owner = schedule._store.leases([each.step])[each.step].owner
                    assert owner is not None
                    return self.act(owner.pid)


def test_nodes_with_homes_of_their_own_do_the_same_and_the_artifacts_come_home(
    local: Path, nodes: Nodes, tmp_path: Path
) -> None:
    home, shared = tmp_path / "home", tmp_path / "shared"
    outcome = run(home, nodes, shared)
    assert (outcome.exit_code, outcome.blocked) == (0, 0)
    assert results(home) == results(local)
    assert rows(home, "SELECT DISTINCT attempts FROM step") == [(1,)]
    trained = {step for (step,) in rows(home, "SELECT step_id FROM artifact")}
    assert {folder.name for folder in (home / "artifacts").iterdir()} == trained
    assert {folder.name.partition("-")[0] for folder in shared.iterdir()} == trained
    assert len(list(nodes.folder.glob("node*/suite-*/artifacts/*"))) >= len(trained)
    assert not list(home.glob(".nodes-*"))
    with suite.load_model("lora_rte", home=home, track="micro") as loaded:
        assert loaded.answer(["the cat"], max_new_tokens=2)


def test_the_step_of_a_node_that_is_lost_is_done_on_another_one(
    nodes: Nodes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home, longer = tmp_path / "home", {"method.steps": 200}
    outcome = run(home, nodes, tmp_path / "shared", partial(lose, nodes), sets=longer)
    assert (outcome.exit_code, outcome.failed) == (0, {})
    plan = suite.plan(suite.load_spec(*SPECS, track="micro", overrides={**QUICK, **longer}), home=tmp_path / "alone")
    assert suite.run(plan, device="cpu").exit_code == 0
    assert results(home) == results(tmp_path / "alone")
    assert "its process ended (its node or its process was lost: " in capsys.readouterr().err
    assert rows(home, "SELECT max(attempts) FROM step WHERE kind = 'train'") == [(2,)]


def test_a_home_that_all_nodes_see_needs_no_exchange_and_a_signal_cancels_in_order(
    nodes: Nodes, tmp_path: Path
) -> None:
    def end(_: int) -> None:
        os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, nodes, None, end, sets={"method.steps": 3000})
    reasons = rows(tmp_path, "SELECT DISTINCT reason FROM step WHERE status = 'cancelled'")
    assert reasons == [("interrupted by the user (Ctrl-C)",)]
    assert rows(tmp_path, "SELECT count(*) FROM step WHERE status = 'running'") == [(0,)]
    assert not list(tmp_path.glob("artifacts/*"))


def test_a_node_that_does_not_see_the_home_or_the_store_is_named(tmp_path: Path) -> None:
    made = planned(tmp_path / "home")
    first = made.plan.steps[0].id
    context = StepContext(RunDir(tmp_path / "home"), replace(made.inputs, rates=None), "cpu")
    problem = RayWorker(context, 1, Path.cwd()).problem("token", first)
    assert problem is not None
    assert "does not see the folder" in problem
    assert problem.endswith("name one that all nodes see with --artifacts")
    other = replace(context, exchange=str(tmp_path / "shared"))
    problem = RayWorker(other, 1, Path.cwd()).problem("token", first)
    assert problem is not None
    assert problem.endswith("name one on a server with --db")
    assert not node_home(other).folder.joinpath("suite.db").exists()


def test_a_step_does_not_run_with_other_data_or_another_model_than_it_was_planned_with(tmp_path: Path) -> None:
    made = planned(tmp_path)
    for step in made.plan.steps:
        check_inputs(step, made.inputs)
    answer = next(step for step in made.plan.steps if step.kind == "evaluate")
    for name, value, message in (
        ("data", "0" * 64, "the data of task"),
        ("model", {**answer.key["model"], "identity": "0" * 64}, "the model "),
        ("code", 0, "the version of suite"),
    ):
        with pytest.raises(StepFailed, match=message):
            check_inputs(replace(answer, key={**answer.key, name: value}), made.inputs)


def test_what_ray_would_ignore_is_refused() -> None:
    RayExecutor().check("cuda")
    with pytest.raises(SuiteError, match="'cuda:1' names a GPU, and Ray gives each worker its own; write cuda"):
        RayExecutor().check("cuda:1")
    with pytest.raises(SuiteError, match="'0' is no number of workers"):
        RayExecutor(workers=0)


def test_wrong_options_and_a_missing_package_are_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SuiteError, match="no executor is named 'rai'"):
        chosen_executor("rai", None, None)
    with pytest.raises(SuiteError, match="is an option of another executor"):
        chosen_executor("local", None, None, artifacts="folder")
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(SuiteError) as raised:
        chosen_executor("ray", None, None)
    assert raised.value.problems[0].fix == 'pip install "finetune-suite[ray]"'


def test_a_relative_folder_is_that_of_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert RayExecutor(artifacts="shared").artifacts == str(tmp_path / "shared")
    assert RayExecutor(artifacts="s3://bucket/folder").artifacts == "s3://bucket/folder"


def test_a_home_whose_name_is_another_one_in_a_url_is_refused(tmp_path: Path) -> None:
    made = planned(tmp_path / "what?now")
    with pytest.raises(SuiteError, match="has a character that a URL reads otherwise"):
        suite.run(made, device="cpu", executor=RayExecutor())
    assert not (tmp_path / "what").exists()


def test_no_cluster_at_an_address_is_one_line(tmp_path: Path) -> None:
    executor = chosen_executor("ray", None, None, "127.0.0.1:1")
    with pytest.raises(SuiteError, match="no Ray cluster can be used"):
        suite.run(planned(tmp_path), device="cpu", executor=executor)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert os.environ.get("RAY_ADDRESS") is None
