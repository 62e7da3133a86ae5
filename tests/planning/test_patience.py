"""Early stopping in a plan: without it names are as they were, with it costs are at most the estimates."""

from __future__ import annotations

from pathlib import Path

import pytest

from suite.core.errors import SuiteError
from suite.planning import Inputs, Plan, make_plan
from suite.planning.steps import Step
from suite.specs import Options, load
from suite.tasks.data import DataLocations

EVERY = "selection.every=10"


def plan(specs: Path, *sets: str, name: str = "lora_rte", track: str | None = "micro") -> Plan:
    return make_plan(load([specs / f"{name}.yaml"], Options(track, sets=sets)), Inputs(DataLocations()))


def training(made: Plan) -> Step:
    (step,) = (step for step in made.steps if step.kind == "train")
    return step


def test_without_patience_nothing_names_it(specs: Path) -> None:
    made = plan(specs, EVERY)
    assert "patience" not in str(training(made).key)
    assert "patience" not in str(made.experiments[0].experiment.resolved())
    assert {step.estimate.at_most for step in made.steps} == {False}
    unset = plan(specs, EVERY, "selection.patience=null", "method.patience=null")
    assert [step.id for step in unset.steps] == [step.id for step in made.steps]
    assert unset.experiments[0].experiment.id == made.experiments[0].experiment.id


@pytest.mark.parametrize("field", ["selection.patience", "method.patience"])
def test_patience_is_part_of_a_steps_name_and_bounds_its_cost(specs: Path, field: str) -> None:
    plain, patient, other = (plan(specs, EVERY, *more) for more in ((), (f"{field}=2",), (f"{field}=3",)))
    assert len({training(made).id for made in (plain, patient, other)}) == 3
    assert len({made.experiments[0].experiment.id for made in (plain, patient, other)}) == 3
    block, key = field.split(".")
    assert training(patient).key[block][key] == 2
    resolved = patient.experiments[0].experiment.resolved()
    assert (resolved if block == "method" else resolved["track"])[block][key] == 2
    assert training(patient).estimate.at_most
    assert training(patient).estimate.seconds == training(plain).estimate.seconds
    assert not any(step.estimate.at_most for step in patient.steps if step.kind == "evaluate")


def test_a_track_that_stops_at_a_score_costs_at_most_its_estimate(specs: Path) -> None:
    assert training(plan(specs, track="micro-at90")).estimate.at_most


def test_both_stages_of_promot_have_the_tracks_patience(specs: Path) -> None:
    made = plan(specs, EVERY, "selection.patience=2", name="promot_rte")
    assert [step.estimate.at_most for step in made.steps if step.kind == "train"] == [True, True]


@pytest.mark.parametrize("field", ["selection.patience", "method.patience"])
def test_patience_without_selections_before_the_end_is_refused(specs: Path, field: str) -> None:
    with pytest.raises(SuiteError) as caught:
        plan(specs, f"{field}=2", "selection.every=null", "method.select_every=null")
    (problem,) = caught.value.problems
    assert problem.what == f"{field}: lora scores the selection rows only at its end"
    assert problem.fix == "set `selection.every`, or `select_every` of the method"
    assert "--set" in problem.where


@pytest.mark.parametrize("value", ["0", "-1", "1.5", "true"])
def test_patience_is_a_whole_number_from_one(specs: Path, value: str) -> None:
    with pytest.raises(SuiteError, match=r"selection\.patience"):
        plan(specs, EVERY, f"selection.patience={value}")
