"""What is predicted of a device that trains a step together with others."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from suite.models.backbone import load_backbone
from suite.models.source import ModelSource, locate
from suite.planning import Evaluate, Inputs, Train
from suite.planning.devices import answering_device_count_of
from suite.planning.machine import CONTEXT, TargetMachine
from suite.simulation.devices import with_chosen_devices
from suite.simulation.fitting import least_total, with_track
from suite.simulation.steps import PlanSimulation
from suite.simulation.training import Simulated, without_values
from suite.tasks.data import DataLocations
from tests.planning.test_patience import plan, training


def predicted(specs: Path, count: int, name: str) -> Simulated:
    sets = ("method.select_every=null", "method.steps=4", f"budget.shard={count}")
    step = training(plan(specs, *sets, name=name))
    with without_values(on_gpu=True) as tracker:
        return PlanSimulation(Inputs(DataLocations()), tracker, on_gpu=True).of(step, {step.id: step})


def test_two_devices_have_half_of_the_weights_and_of_the_moments_in_full_tuning(specs: Path) -> None:
    one, two = (predicted(specs, count, "finetune_rte") for count in (1, 2))
    parameters = load_backbone(locate(ModelSource(bundled="micro-llama"), None), "cpu").model.num_parameters()
    assert one.parts["optimizer"] == pytest.approx(8 * parameters, rel=0.01)
    assert two.parts["optimizer"] == pytest.approx(4 * parameters, rel=0.01)
    assert one.parts["trained"] == pytest.approx(4 * parameters, rel=0.01)
    assert 2 * parameters <= two.parts["trained"] <= 2.5 * parameters
    assert two.total < 0.6 * one.total
    assert not torch.distributed.is_initialized()


def test_two_devices_have_half_of_a_frozen_base_each(specs: Path) -> None:
    one, two = (predicted(specs, count, "lora_rte") for count in (1, 2))
    assert two.parts["weights"] == pytest.approx(one.parts["weights"] / 2, rel=0.1)


def test_auto_takes_as_few_devices_as_hold_the_step(specs: Path) -> None:
    sets = ("budget.shard=auto", "budget.batch_size=4", "budget.max_length=64", "selection.documents=1")
    made, inputs = plan(specs, *sets, "method.select_every=null", name="finetune_rte"), Inputs(DataLocations())
    step = training(made)
    with without_values(on_gpu=True) as tracker:
        simulation = PlanSimulation(inputs, tracker, on_gpu=True)
        one, two = (
            least_total(with_track(step, "budget", shard=count), {step.id: step}, simulation) or 0 for count in (1, 2)
        )
    assert two < 0.8 * one

    def chosen(machine: TargetMachine | None) -> int | str:
        plan = with_chosen_devices(made, inputs, machine)
        work = training(plan).work
        assert isinstance(work, Train)
        count = work.track.budget.shard
        for step in plan.steps:
            if isinstance(step.work, Evaluate):  # what several devices trained is answered by as many
                assert answering_device_count_of(step.work) == (count if step.parents else 1)
        return count

    between = int(((one + two) / 2 + CONTEXT) / 0.95)
    assert chosen(TargetMachine(8, "A10", between)) == 2
    assert chosen(TargetMachine(1, "A10", between)) == 1
    assert chosen(TargetMachine(8, "A10", 10 * between)) == 1
    assert chosen(TargetMachine(8, "A10", CONTEXT // 2)) == 4  # no more than a batch has examples
    assert chosen(None) == 1
