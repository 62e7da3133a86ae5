"""Predicted memory is what PyTorch's allocator gives, for every method on both bundled models."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import pytest

from benchmarks.memory import Quiet, loaded, peak
from suite import methods
from suite.core.run_dir import RunDir
from suite.execution.session import Session
from suite.models import offload
from suite.planning import Inputs, Plan, Step, make_plan
from suite.planning.steps import Evaluate, TakePart, Train
from suite.simulation.steps import PlanSimulation
from suite.simulation.training import without_values
from suite.specs import Options, load
from suite.tasks.data import DataLocations

INPUTS = Inputs(DataLocations())
NEAR = 0.15
BASE = 7_806_848
"""Bytes of the bundled decoder."""
DERIVED = ("few_shot_tuning", "fixed_prompt", "ia3_further", "mixture", "pretrained", "svf_transfer", "transformer2")
"""Methods that train as another one does, or not by gradient steps."""
TRAINED = tuple(name for name in methods.names() if name not in DERIVED)
TWO_SIDED = ("finetune", "lora", "promot", "svf", "prefix_tuning")


def planned(folder: Path, name: str, track: str, sets: Sequence[str] = ()) -> Plan:
    """The plan of two small steps of a method."""
    spec = folder / f"{name}.yaml"
    first = ", stage_one: {steps: 2}" if name == "promot" else ""
    spec.write_text(f"name: {name}\ntrack: {track}\nmethod: {{name: {name}, steps: 2{first}}}\ntargets: [rte]\n")
    small = ("budget.batch_size=8", "selection.documents=16", "target.documents=16", *sets)
    return make_plan(load([spec], Options(sets=small)), INPUTS)


def predicted(plan: Plan, measured: Callable[[Step], bool]) -> dict[str, int]:
    """The predicted bytes of the steps of a plan that are measured, by id."""
    steps = {step.id: step for step in plan.steps}
    with without_values(on_gpu=False) as tracker:
        simulation = PlanSimulation(INPUTS, tracker, on_gpu=False)
        return {step.id: simulation.of(step, steps).total for step in plan.steps if measured(step)}


@pytest.mark.parametrize(
    ("name", "track"), [*((name, "micro") for name in TRAINED), *((name, "micro-t5") for name in TWO_SIDED)]
)
def test_training_takes_what_is_predicted(name: str, track: str, tmp_path: Path) -> None:
    plan = planned(tmp_path, name, track)
    expected = predicted(plan, lambda step: isinstance(step.work, Train))
    session, hashes = Session(RunDir(tmp_path / "home"), INPUTS, "cpu"), dict[str, str]()
    for step in plan.steps:
        parents = {parent: hashes[parent] for parent in step.parents}
        if isinstance(step.work, TakePart):
            hashes[step.id] = session.take_part(step, step.work, parents).artifact.hash
        if isinstance(step.work, Train):
            session.release()
            session._backbones.clear()
            work = partial(session.train, step, step.work, Quiet(), parents)
            measured, outcome = peak(partial(loaded, session, step.work.track), work, "cpu")
            hashes[step.id] = outcome.artifact.hash
            assert expected[step.id] == pytest.approx(measured, rel=NEAR), step.title


def answers_enough(step: Step) -> bool:
    """Whether a step is one of the evaluations that are measured: of short, long and few-shot prompts."""
    return isinstance(step.work, Evaluate) and step.work.task.name in ("micro_rte", "micro_triviaqa", "micro_xsum")


@pytest.mark.parametrize("track", ["micro", "micro-t5"])
def test_answering_takes_what_is_predicted(track: str, tmp_path: Path) -> None:
    plan = planned(tmp_path, "lora", track)
    expected = predicted(plan, answers_enough)
    session, hashes = Session(RunDir(tmp_path / "home"), INPUTS, "cpu"), dict[str, str]()
    for step in plan.steps:
        parents = {parent: hashes[parent] for parent in step.parents}
        if isinstance(step.work, Train):
            hashes[step.id] = session.train(step, step.work, Quiet(), parents).artifact.hash
        elif answers_enough(step):
            assert isinstance(step.work, Evaluate)
            session.release()
            session._backbones.clear()
            work = partial(session.evaluate, step, step.work, parents)
            measured, _ = peak(partial(loaded, session, step.work.track), work, "cpu")
            assert expected[step.id] == pytest.approx(measured, rel=2 * NEAR), step.title


@pytest.mark.parametrize("name", ["finetune", "svf"])
def test_a_gpu_holds_one_set_of_weights_while_it_answers(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = planned(tmp_path, name, "micro", ("held_out.roles=[cb]", "held_out.documents=8"))
    step = next(step for step in plan.steps if isinstance(step.work, Evaluate) and step.work.task.name == "micro_cb")
    steps = {each.id: each for each in plan.steps}

    def weights(*, large: bool) -> float:
        with monkeypatch.context() as patched, without_values(on_gpu=True) as tracker:
            if large:
                patched.setattr(offload, "LARGE", 0)
            parts = PlanSimulation(INPUTS, tracker, on_gpu=True).of(step, steps).parts
        return parts.get("weights", 0) + parts.get("trained", 0)

    assert weights(large=True) == pytest.approx(BASE, rel=0.1)
    assert weights(large=False) > 1.7 * BASE
