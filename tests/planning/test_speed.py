"""Rates of a class of devices, and what is assumed of it until some step was measured there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from suite.planning import Inputs, Plan, make_plan
from suite.planning.speed import CPU_CORE, DeviceSpeed, Speed, assumed, rates_on
from suite.specs import Options, load
from suite.tasks.data import DataLocations

H100 = DeviceSpeed("NVIDIA H100 80GB HBM3", {"float32": 4e13, "bf16": 4e14}, bandwidth=2e12)
MEASURED = {("cpu", "evaluate"): 10.0, ("NVIDIA H200", "evaluate"): 900.0, ("NVIDIA H200", "train full"): 300.0}


def test_a_plan_for_a_device_takes_no_rates_of_another() -> None:
    assert rates_on("cpu", MEASURED) == {"evaluate": 10.0}
    assert rates_on("NVIDIA H200", MEASURED) == {"evaluate": 900.0, "train full": 300.0}
    assert rates_on("NVIDIA A10", MEASURED) == {}


def test_rates_of_an_older_store_hold_for_a_gpu_without_its_own() -> None:
    older = {("cuda", "evaluate"): 50.0, ("cuda", "train"): 20.0, ("cpu", "evaluate"): 1.0}
    assert rates_on("NVIDIA H200", older) == {"evaluate": 50.0, "train": 20.0}
    assert rates_on("NVIDIA H200", {**older, **MEASURED})["evaluate"] == 900.0
    assert rates_on("cpu", older) == {"evaluate": 1.0}
    assert rates_on("cpu", {(None, "evaluate"): 2.0}) == {"evaluate": 2.0}


def test_the_rate_of_the_nearest_kind_is_taken() -> None:
    rates = {"train full": 100.0, "train prompt": 300.0, "train full in bf16": 900.0, "reinforce singular": 1.0}
    speed = Speed(2_000_000, rates)
    assert speed.measured("train full", 900.0) == 9.0
    assert speed.measured("train adapter", 900.0) == pytest.approx(900 / 150)  # as long as both one after the other
    assert speed.measured("train adapter in bf16", 900.0) == 1.0
    assert speed.measured("reinforce adapter", 900.0) == 900.0
    assert speed.measured("evaluate", 900.0) is None
    assert Speed(2_000_000, {"train full": 100.0}).measured("train full in bf16", 900.0) == 9.0


def test_a_described_machine_is_as_fast_as_it_is_said_to_be() -> None:
    small, low = Speed(8_000_000_000, device=H100), Speed(8_000_000_000, device=H100, dtype="bfloat16")
    assert small.learning(1e6) == pytest.approx(6 * 8e9 * 1e6 / 4e13)
    assert small.learning(1e6, "bf16") == low.learning(1e6) == pytest.approx(6 * 8e9 * 1e6 / 4e14)
    assert low.learning(1e6, "float32") == small.learning(1e6)
    reading, writing = 2 * 8e9 * 16384 / 4e14, 32 * 2 * 8e9 / 2e12  # a batch of answers reads the weights 32 times
    assert low.answering(16384) == pytest.approx(reading + writing)
    assert replace(low, rates={"evaluate": 16384.0}).answering(16384) == 1.0


def test_a_core_is_assumed_as_before() -> None:
    assert assumed("cpu") == CPU_CORE
    assert Speed(2_000_000).learning(1000) == 1000 * 6 * 2e6 / 8e10
    assert Speed(2_000_000, dtype="bfloat16").answering(1000) == 1000 * 2 * 2e6 / 8e10
    assert assumed("NVIDIA H200").name == "NVIDIA H200"


@pytest.mark.parametrize(
    ("name", "sets", "ratio"),
    [
        ("finetune_rte", (), 1.0),
        ("finetune_rte", ("budget.precision=bf16",), 0.1),
        ("finetune_rte", ("model.dtype=bfloat16",), 1.0),  # full tuning trains float32 copies
        ("finetune_rte", ("model.dtype=bfloat16", "method.precision=bf16"), 0.1),
        ("lora_rte", ("model.dtype=bfloat16",), 0.1),
    ],
)
def test_a_plan_computes_in_the_precision_that_training_has(
    specs: Path, name: str, sets: tuple[str, ...], ratio: float
) -> None:
    def learning(*more: str) -> float:
        slow = DeviceSpeed("slow", {"float32": 1e8, "bf16": 1e9})
        options = Options(sets=("selection.documents=1", "method.steps=100", "method.select_every=100", *more))
        made: Plan = make_plan(load([specs / f"{name}.yaml"], options), Inputs(DataLocations(), device=slow))
        return sum(step.estimate.seconds for step in made.steps if step.kind == "train")

    assert learning(*sets) / learning() == pytest.approx(ratio, rel=0.05)
