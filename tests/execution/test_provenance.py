"""The provenance of a step is that of the device that it ran on."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from suite.core.devices import cpu_name
from suite.execution.provenance import device_name, provenance_of, provenance_of_failure
from suite.planning import Step
from tests.planning.test_patience import plan

GPUS = ("NVIDIA H100 80GB HBM3", "NVIDIA A10")


def steps_of(specs: Path, *sets: str) -> tuple[Step, Step]:
    """A train step and an evaluation."""
    steps = plan(specs, *sets, name="finetune_rte").steps
    first = {kind: next(step for step in steps if step.kind == kind) for kind in ("train", "evaluate")}
    return first["train"], first["evaluate"]


def test_a_step_on_the_cpu_records_its_model_its_precision_and_the_threads(specs: Path) -> None:
    train, evaluate = steps_of(specs)
    found = provenance_of("cpu", train.work)
    assert (found.device, found.device_name, found.device_class) == ("cpu", cpu_name(), "cpu")
    assert (found.precision, found.threads) == ("float32", torch.get_num_threads())
    assert provenance_of("cpu", evaluate.work).precision == "float32"


def test_a_step_on_the_second_gpu_records_the_second_gpu(specs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: GPUS[device.index or 0])
    train, _ = steps_of(specs, "budget.precision=bf16")
    found = provenance_of("cuda:1", train.work)
    assert (found.device, found.device_name, found.device_class) == ("cuda:1", GPUS[1], GPUS[1])
    assert found.precision == "bf16"
    assert device_name("cuda") == GPUS[0]


def test_answers_have_the_precision_of_the_model_and_training_that_of_the_track(specs: Path) -> None:
    train, evaluate = steps_of(specs, "model.dtype=bfloat16")
    assert [provenance_of("cpu", step.work).precision for step in (train, evaluate)] == ["float32", "bf16"]


def test_a_failed_step_records_no_device() -> None:
    assert provenance_of_failure().device is None
    assert provenance_of_failure().versions


def test_a_step_that_devices_train_together_records_their_number(specs: Path) -> None:
    train, evaluate = steps_of(specs, "budget.shard=2")
    names = [provenance_of("cpu", step.work).device_name for step in (train, evaluate)]
    assert names == [f"2 × {cpu_name()}", cpu_name()]
    assert provenance_of("cpu", evaluate.work, devices=2).device_name == f"2 × {cpu_name()}"
