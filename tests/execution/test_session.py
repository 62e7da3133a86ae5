"""What a train step may look at, what it may leave, and that every stack is checked before it answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from suite import methods
from suite.core.errors import StepFailed, SuiteError
from suite.core.run_dir import RunDir
from suite.execution import session, targets
from suite.models.artifacts import load_artifact
from suite.models.artifacts.joint import Joint
from suite.models.artifacts.prompt import SoftPrompt
from suite.models.artifacts.singular import Singular
from suite.models.artifacts.weights import Weights
from suite.models.singular import matrices
from suite.planning import Evaluate, Inputs, TakePart, Train, make_plan
from suite.specs import Options, load
from suite.tasks.data import DataLocations
from suite.tasks.identity import Identities, identified
from suite.tasks.splits import reported_rows, training_rows
from suite.training.job import Job, Trained
from suite.training.loop import Fit
from tests.models.tiny_budget import Memory
from tests.models.tiny_models import tiny_backbone

DATA = DataLocations()


@pytest.mark.parametrize("name", ["svf", "mixture"])
@pytest.mark.parametrize("cap", [8, 10_000])
def test_selection_is_capped_and_neither_it_nor_the_shots_are_scored_or_trained_on(
    name: str, cap: int, specs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs: list[Job] = []
    selected: set[str] = set()

    def train(config: Any, job: Job) -> None:
        jobs.append(job)
        raise StepFailed("that is all")

    def selection(task: Any, data: Any, docs: Any, **_: Any) -> None:
        selected.update(Identities(task, docs[0])(doc).question for doc in docs)

    monkeypatch.setattr(methods.get(name), "train", train)
    monkeypatch.setattr(targets, "selection_task", selection)
    monkeypatch.setattr(session.Session, "backbone", lambda *_: tiny_backbone("decoder"))
    monkeypatch.setattr(session.Session, "_artifact", lambda *_: None)
    experiments = load([specs / "transformer2" / "t2_few_shot.yaml"], Options(sets=(f"selection.documents={cap}",)))
    steps = make_plan(experiments, Inputs(DATA)).steps
    step, work = next((s, s.work) for s in steps if isinstance(s.work, Train) and s.work.method == name)
    with pytest.raises(StepFailed, match="that is all"):
        session.Session(RunDir(tmp_path), Inputs(DATA), "cpu").train(step, work, Memory(), {})
    (target,) = jobs[0].examples
    rows, trained = training_rows(target.task, DATA), {example.hash for example in target.examples}
    assert len(selected) <= min(cap, len(rows.docs) // 4)
    assert selected | trained == set(identified(target.task, rows).questions)
    assert not selected & trained
    reported = set(identified(target.task, reported_rows(target.task, DATA)).questions)
    assert not (selected | trained) & reported


def test_the_guard_is_asked_for_every_stack_and_again_after_a_refusal(
    specs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backbone, home = tiny_backbone("decoder"), RunDir(tmp_path)
    monkeypatch.setattr(session.Session, "backbone", lambda *_: backbone)
    inert, prompt = Weights({}), SoftPrompt(torch.ones(2, backbone.width))
    for name, artifact in {"inert": inert, "prompt": prompt}.items():
        artifact.save(home.artifact(name), base=backbone.identity)
    hashes, track = {"inert": inert.hash, "prompt": prompt.hash}, load([specs / "finetune_rte.yaml"])[0].track
    running = session.Session(home, Inputs(DATA), "cpu")
    for steps in (("inert",), ("inert",), ("prompt", "inert"), ("inert",)):
        with pytest.raises(SuiteError, match="changes nothing"):
            running.stack(steps, track, hashes)
    assert running.stack(("prompt",), track, hashes).soft_length == 2
    assert running.stack((), track, hashes).soft_length == 0


def test_other_tasks_are_answered_with_the_part_of_an_artifact_under_the_id_that_it_always_had(
    specs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backbone, home = tiny_backbone("decoder"), RunDir(tmp_path)
    monkeypatch.setattr(session.Session, "backbone", lambda *_: backbone)
    plan = make_plan(load([specs / "promot" / "promot_rte_joint.yaml"], Options(track="micro-probes")), Inputs(DATA))
    steps = {step.id: step for step in plan.steps}
    (step, work) = next((step, step.work) for step in plan.steps if isinstance(step.work, TakePart))
    whole = steps[work.step]
    settings = {name: value for name, value in whole.key["method"].items() if name not in ("name", "version")}
    # before artifacts had parts, a method of its own left this one
    assert step.key["method"] == {"name": "joint_weights", "version": 1, "joint": settings}
    own = {"method": step.key["method"], "parents": [whole.id], "probes": whole.key["probes"]}
    assert {**step.key, "probes": whole.key["probes"]} == {**whole.key, **own}
    assert "probes" not in step.key
    stacks = {each.work.stack for each in plan.steps if isinstance(each.work, Evaluate)}
    assert stacks >= {(whole.id,), (step.id,)}
    joint = Joint(torch.ones(2, backbone.width), {"a": torch.ones(2)})
    joint.save(home.artifact(whole.id), base=backbone.identity)
    kept = session.Session(home, Inputs(DATA), "cpu").take_part(step, work, {whole.id: joint.hash})
    assert (kept.artifact.hash, kept.trained_parameters) == (Weights(joint.state).hash, 0)
    assert load_artifact(home.artifact(step.id), backbone.identity).hash == kept.artifact.hash


@pytest.mark.parametrize("method", ["svf", "mixture"])
def test_training_that_leaves_the_base_as_it_is_fails_and_a_search_may_find_that_nothing_helps(
    method: str, specs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, backbone = matrices(tiny_backbone("decoder").model, "attention")[0], tiny_backbone("decoder")
    neutral = Singular({name: torch.ones(32)}, {name: torch.ones(32)}, False)
    trained = Trained(neutral, Fit({}, 1, None, 1, 1, ()), 32)
    monkeypatch.setattr(session.Session, "backbone", lambda *_: backbone)
    monkeypatch.setattr(session.Session, "_artifact", lambda *_: neutral)
    monkeypatch.setattr(methods.get(method), "train", lambda *_: trained)
    steps = make_plan(load([specs / "transformer2" / "t2_few_shot.yaml"]), Inputs(DATA)).steps
    step, work = next((s, s.work) for s in steps if isinstance(s.work, Train) and s.work.method == method)
    running = session.Session(RunDir(tmp_path), Inputs(DATA), "cpu")
    if method == "mixture":
        assert running.train(step, work, Memory(), {}).artifact is neutral
        return
    with pytest.raises(StepFailed, match="left the base as it is"):
        running.train(step, work, Memory(), {})
