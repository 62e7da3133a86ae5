"""A plan goes to other processes: a pickled step loads its method from outside again, or is refused in one line."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from suite.methods import MethodRegistry
from suite.planning import Inputs, Plan, Step, Train, make_plan
from suite.specs import load
from suite.tasks.data import DataLocations
from tests.methods.outside import EXAMPLE, METHOD, REPOSITORY, installed, workspace

READ = """
import pickle, sys
from suite.core.errors import SuiteError
try:
    given = pickle.load(open(sys.argv[1], "rb"))
except SuiteError as error:
    sys.exit(str(error))
print(eval(sys.argv[2], {"given": given}))
"""


def plan_of(spec: Path) -> Plan:
    return make_plan(load([spec]), Inputs(DataLocations()))


def train_step(plan: Plan) -> Step:
    return next(step for step in plan.steps if isinstance(step.work, Train))


def read_elsewhere(given: object, expression: str, folder: Path) -> tuple[int, str]:
    """What a fresh process makes of a pickled object: exit code and the last line that it wrote."""
    file = folder / "given.pickle"
    file.write_bytes(pickle.dumps(given))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(REPOSITORY), *sys.path])}
    done = subprocess.run(
        [sys.executable, "-c", READ, str(file), expression], capture_output=True, text=True, env=environment, cwd=folder
    )
    lines = (done.stdout or done.stderr).strip().splitlines()
    assert len(lines) == 1, done.stderr
    return done.returncode, lines[0]


def test_a_step_of_a_workspaces_method_is_the_same_in_another_process(tmp_path: Path) -> None:
    step = train_step(plan_of(workspace(tmp_path)))
    assert isinstance(step.work, Train)
    expression = "(given.id, given.work.config, given.work.methods.get('mine').FAMILY, given.title)"
    wanted = str((step.id, step.work.config, "full", step.title))
    assert read_elsewhere(step, expression, tmp_path) == (0, wanted)


def test_a_step_of_a_packages_method_is_the_same_in_another_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(installed(tmp_path / "site-packages")))
    step = train_step(plan_of(EXAMPLE / "norm_tuning_rte.yaml"))
    expression = "given.work.methods.get('norm_tuning').requirements(given.work.config).cost.steps"
    assert read_elsewhere(step, expression, tmp_path) == (0, "200")


def test_all_steps_of_a_plan_and_its_experiments_survive(tmp_path: Path) -> None:
    for spec in (workspace(tmp_path), REPOSITORY / "specs" / "promot_rte.yaml"):
        plan = plan_of(spec)
        assert pickle.loads(pickle.dumps(plan)) == plan


def test_what_answers_with_a_methods_artifact_loads_the_method_too(tmp_path: Path) -> None:
    plan = plan_of(workspace(tmp_path))
    answering = [step for step in plan.steps if train_step(plan).id in step.parents]
    assert answering
    assert {step.plugins for step in answering} == {train_step(plan).plugins}
    expression = "any('suite_workspace' in name for name in __import__('sys').modules)"
    assert read_elsewhere(answering[0], expression, tmp_path) == (0, "True")


@pytest.mark.parametrize("what", ["step", "experiment"])
def test_another_source_is_refused_in_one_line(what: str, tmp_path: Path) -> None:
    plan = plan_of(workspace(tmp_path))
    before = MethodRegistry.of((tmp_path,)).source("mine")
    workspace(tmp_path, mine=METHOD + "# changed\n")
    after = MethodRegistry.of((tmp_path,)).source("mine")
    given = train_step(plan) if what == "step" else plan.experiments[0].experiment
    code, line = read_elsewhere(given, "given", tmp_path)
    wrong = f"has the source {after} here, and the plan was made with {before}"
    assert (code, line) == (1, f"methods/mine.py: {wrong}; run again, with the same source on every machine")


def test_a_source_that_is_not_there_is_refused_in_one_line(tmp_path: Path) -> None:
    step = train_step(plan_of(workspace(tmp_path)))
    (tmp_path / "methods" / "mine.py").unlink()
    code, line = read_elsewhere(step, "given", tmp_path)
    assert (code, line) == (1, "methods/mine.py: cannot be loaded: there is no module 'mine'")


def test_a_registry_holds_no_source_when_pickled_and_keeps_what_it_was_asked_for(tmp_path: Path) -> None:
    workspace(tmp_path)
    registry = MethodRegistry.of((tmp_path,))
    source = registry.source("mine")
    pickled = pickle.dumps(registry)
    assert b"train_weights" not in pickled
    workspace(tmp_path, mine=METHOD + "# changed\n")
    assert pickle.loads(pickled).source("mine") == source
