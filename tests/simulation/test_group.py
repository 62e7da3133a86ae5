"""What is predicted of a device that trains a step together with others."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from suite.models.backbone import load_backbone
from suite.models.source import ModelSource, locate
from suite.planning import Inputs
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
