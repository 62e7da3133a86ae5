"""What training writes is known before its first step, to the size of the file."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from torch import nn

from suite.core.disk import DiskSpace
from suite.core.errors import StepFailed
from suite.training.checkpoint import PATTERN
from suite.training.disk import checkpoint_bytes
from tests.methods.test_contract import train
from tests.models.tiny_budget import Memory, Stop, budget
from tests.models.tiny_models import tiny_backbone


@pytest.mark.parametrize(("name", "optimizer"), [("finetune", "adamw"), ("finetune", "adafactor"), ("lora", "adamw")])
def test_a_checkpoint_has_the_size_that_was_asked_for(tmp_path: Path, name: str, optimizer: str) -> None:
    asked: list[int] = []

    class Asking(DiskSpace):
        def require(self, needed: int, use: str, otherwise: str = "") -> None:
            asked.append(needed)

    settings = {"optimizer": optimizer, "steps": 6, "select_every": 2}
    job = {"log": Memory(4), "checkpoint_seconds": 0.0, "disk": Asking(tmp_path)}
    with pytest.raises(Stop):
        train(name, tiny_backbone("decoder"), tmp_path, settings, **job)
    (file,) = tmp_path.rglob(PATTERN)
    names = 200_000  # of tensors and of settings; tiny models have tiny tensors
    assert asked[0] / 2 <= file.stat().st_size <= asked[0] / 2 + names


def test_adafactor_keeps_rows_and_columns() -> None:
    parameters = {"matrix": nn.Parameter(torch.zeros(30, 20)), "vector": nn.Parameter(torch.zeros(7))}
    terms = budget(optimizer="adafactor", steps=6, select_every=None)
    assert checkpoint_bytes(parameters, terms) == 4 * (607 + 50 + 7)


def test_training_without_room_is_refused_before_its_first_step(tmp_path: Path) -> None:
    log = Memory()
    with pytest.raises(
        StepFailed, match=r"training with checkpoints takes .* of --max-disk or budget.max_disk: .* no checkpoints"
    ):
        train("finetune", tiny_backbone("decoder"), tmp_path, {}, log=log, disk=DiskSpace(tmp_path, 1000))
    assert log.losses == []


def test_without_checkpoints_only_the_artifact_needs_room(tmp_path: Path) -> None:
    backbone = tiny_backbone("decoder")
    numbers = sum(parameter.numel() for parameter in backbone.model.parameters())
    disk = DiskSpace(tmp_path, 5 * numbers)
    found = train("finetune", backbone, tmp_path, {"steps": 2}, disk=disk, checkpoint_seconds=math.inf)
    assert found.fit.steps_done == 2
