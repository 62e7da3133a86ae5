"""Gradient checkpointing: the same losses and gradients from fewer stored activations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from suite.models.adapted import AdaptedModel
from suite.models.backbone import Backbone, Shape
from suite.training.data.batches import Batch, Batches
from suite.training.data.examples import encode
from suite.training.dropout import dropout
from suite.training.objectives.losses import answer_loss
from suite.training.recomputing import Recomputing, recomputes
from tests.methods.tiny_jobs import TRAINED, config_of, job_for, method_of
from tests.models.tiny_budget import Memory, Stop
from tests.models.tiny_models import tiny_backbone, tiny_examples
from tests.training.test_loop import same, train


def batch_of(backbone: Backbone) -> Batch:
    examples = encode(backbone, tiny_examples(6), max_length=64, soft_length=0).examples
    return Batches(backbone, examples, batch_size=6, seed=0).parts(0, 6)[0]


def stored(adapted: AdaptedModel, batch: Batch) -> tuple[torch.Tensor, int]:
    """The loss, and the bytes that the backward pass needs."""
    seen: dict[int, int] = {}
    own = {parameter.untyped_storage().data_ptr() for parameter in adapted.model.parameters()}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            seen[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        loss = answer_loss(adapted, batch)
    return loss, sum(seen.values())


def gradients(backbone: Backbone, batch: Batch) -> tuple[float, int, dict[str, torch.Tensor]]:
    model = backbone.model
    model.requires_grad_(True)
    model.zero_grad(set_to_none=True)
    loss, size = stored(AdaptedModel(backbone, model), batch)
    loss.backward()  # type: ignore[no-untyped-call]
    return (
        float(loss),
        size,
        {name: each.grad.clone() for name, each in model.named_parameters() if each.grad is not None},
    )


def test_gradients_are_equal_and_less_is_stored(shape: Shape) -> None:
    backbone = tiny_backbone(shape)
    backbone.model.train()
    batch = batch_of(backbone)
    with dropout(backbone.model, 0.0):
        loss, whole, usual = gradients(backbone, batch)
        with Recomputing(backbone.model, begin=True):
            assert recomputes(backbone.model)
            again, fewer, found = gradients(backbone, batch)
    assert not recomputes(backbone.model)
    assert again == pytest.approx(loss, rel=1e-6)
    assert fewer < 0.7 * whole
    assert found.keys() == usual.keys()
    for name, gradient in usual.items():
        torch.testing.assert_close(found[name], gradient, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", [name for name in TRAINED if "reward" not in name])
def test_every_method_learns_the_same(name: str, shape: Shape, tmp_path: Path) -> None:
    losses: list[list[float]] = []
    for setting in (False, True):
        log, backbone = Memory(), tiny_backbone(shape)
        terms: Any = type(job_for(name, backbone, tmp_path).budget)(gradient_checkpointing=setting)
        job = job_for(name, backbone, tmp_path / str(setting), budget=terms, log=log)
        method_of(name).train(config_of(name, learning_rate=1e-3), job)  # type: ignore[misc]
        losses.append(log.losses)
        assert not any(getattr(module, "gradient_checkpointing", False) for module in backbone.model.modules())
    assert len(losses[0]) == 4
    assert losses[1] == pytest.approx(losses[0], rel=1e-3)


def test_where_memory_lacks_activations_are_computed_again_before_batches_are_halved(tmp_path: Path) -> None:
    backbone, log, sizes = tiny_backbone("decoder"), Memory(), list[int]()

    def loss(adapted: AdaptedModel, batch: Batch) -> torch.Tensor:
        sizes.append(len(batch.input_ids))
        if not recomputes(adapted.model) or len(batch.input_ids) > 2:
            raise RuntimeError("DefaultCPUAllocator: not enough memory")
        return answer_loss(adapted, batch)

    fitted = train(backbone, tmp_path, log=log, loss=loss, steps=2)
    assert fitted.steps_done == 2
    assert log.said == [
        "out of memory at step 1: going on with gradient checkpointing",
        "out of memory at step 1: going on with micro-batches of 2",
    ]
    assert sizes == [4, 4, 2, 2, 2, 2]


def test_a_resumed_run_computes_again_what_the_first_one_did(tmp_path: Path) -> None:
    def loss(adapted: AdaptedModel, batch: Batch) -> torch.Tensor:
        if not recomputes(adapted.model):
            raise RuntimeError("DefaultCPUAllocator: not enough memory")
        return answer_loss(adapted, batch)

    backbone = tiny_backbone("decoder")
    whole = train(backbone, tmp_path / "whole", loss=loss)
    with pytest.raises(Stop):
        train(backbone, tmp_path / "cut", loss=loss, log=Memory(3), checkpoint_seconds=0.0)
    log = Memory()
    assert same(train(backbone, tmp_path / "cut", loss=loss, log=log, checkpoint_seconds=0.0), whole)
    assert log.said == ["going on after step 2"]


def test_a_track_can_refuse_it(tmp_path: Path) -> None:
    backbone, log, tried = tiny_backbone("decoder"), Memory(), list[bool]()

    def loss(adapted: AdaptedModel, batch: Batch) -> torch.Tensor:
        tried.append(recomputes(adapted.model))
        if len(batch.input_ids) > 2:
            raise RuntimeError("DefaultCPUAllocator: not enough memory")
        return answer_loss(adapted, batch)

    train(backbone, tmp_path, log=log, loss=loss, steps=1, gradient_checkpointing=False)
    assert log.said == ["out of memory at step 1: going on with micro-batches of 2"]
    assert not any(tried)
