"""Training some of a model's weights."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from suite.models.backbone import Backbone, Shape
from suite.training.weights import train_weights
from tests.methods.tiny_jobs import config_of, job_for
from tests.models.tiny_models import tiny_backbone


@pytest.mark.parametrize("shape", ["decoder", "encoder-decoder"])
def test_some_weights_of_a_bfloat16_model_are_trained_and_no_others(shape: Shape, tmp_path: Path) -> None:
    backbone = tiny_backbone(shape, dtype=torch.bfloat16)
    before, job = _copied(backbone), job_for("finetune", backbone, tmp_path)
    trained = train_weights(config_of("finetune"), job, only=lambda name: "norm" in name)  # type: ignore[arg-type]
    norms = {name: tensor for name, tensor in backbone.model.named_parameters() if "norm" in name}
    assert trained.trained_parameters == sum(map(torch.numel, norms.values()))
    assert trained.artifact.tensors
    assert trained.artifact.tensors.keys() <= norms.keys()
    assert {tensor.dtype for tensor in trained.artifact.tensors.values()} == {torch.bfloat16}
    after = _copied(backbone)
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())
    assert {tensor.dtype for tensor in after.values()} == {torch.bfloat16}


def _copied(backbone: Backbone) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in backbone.model.named_parameters()}
