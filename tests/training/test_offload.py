"""Large parameters: what is away from the device has the same bits, and updates within the backward pass, too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from suite.core.disk import DiskSpace
from suite.core.errors import StepFailed
from suite.models import offload
from suite.models.adapted import AdaptedModel
from suite.models.backbone import Shape
from suite.models.offload import bytes_of, offloaded
from suite.training.checkpoint import Checkpoint, Writer, read_checkpoint
from suite.training.data.batches import Batch
from suite.training.objectives.losses import answer_loss
from suite.training.updates import Updates
from suite.training.weights import train_weights
from tests.methods.tiny_jobs import config_of, job_for
from tests.models.tiny_budget import Memory, Stop, budget
from tests.models.tiny_models import bits, tiny_backbone
from tests.training.test_loop import same, train


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every parameter count as large."""
    monkeypatch.setattr(offload, "LARGE", 0)


@pytest.mark.usefixtures("large")
def test_tensors_in_a_file_have_the_same_bits_and_leave_nothing_behind(tmp_path: Path) -> None:
    tensors = {
        "a": torch.randn(3, 5), "half": torch.randn(7).bfloat16(), "none": torch.zeros(0, 4),
        "turned": torch.randn(4, 6).T, "number": torch.tensor(2.5),
    }  # fmt: skip
    before = {name: tensor.clone() for name, tensor in tensors.items()}
    stored = offloaded(tensors, tmp_path / "folder", copy=True)
    for tensor in tensors.values():
        tensor.zero_()
    assert {name: tensor.dtype for name, tensor in stored.items()} == {n: t.dtype for n, t in before.items()}
    assert all(torch.equal(stored[name], tensor) for name, tensor in before.items())
    assert list((tmp_path / "folder").iterdir()) == []


def test_small_tensors_are_copied_only_if_they_will_change(tmp_path: Path) -> None:
    tensors = {"a": torch.randn(3)}
    assert offloaded(tensors, tmp_path, copy=False)["a"].data_ptr() == tensors["a"].data_ptr()
    copied = offloaded(tensors, tmp_path, copy=True)["a"]
    assert copied.data_ptr() != tensors["a"].data_ptr()
    assert torch.equal(copied, tensors["a"])


@pytest.mark.usefixtures("large")
def test_a_full_disk_fails_the_step_with_the_bytes_that_it_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(**_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(offload, "TemporaryFile", full)
    with pytest.raises(StepFailed, match=r"no room for a copy of the weights \(4\.0 kB in .*No space left"):
        offloaded({"a": torch.zeros(1000)}, tmp_path, copy=True)


@pytest.mark.parametrize("clip", [None, 1.0])
@pytest.mark.parametrize("optimizer", ["adamw", "adafactor"])
def test_large_parameters_get_the_same_bits(
    shape: Shape, tmp_path: Path, optimizer: str, clip: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings: dict[str, Any] = {"steps": 6, "dropout": 0.1, "optimizer": optimizer, "clip": clip, "warmup": 2}
    settings |= {"weight_decay": 1e-3, "decay_by_rate": False, "by_size": True, "select_every": 2}
    usual = train(tiny_backbone(shape), tmp_path / "usual", **settings)
    monkeypatch.setattr(offload, "LARGE", 0)
    assert same(train(tiny_backbone(shape), tmp_path / "large", **settings), usual)


@pytest.mark.usefixtures("large")
@pytest.mark.parametrize("stop", [1, 3, 4])
def test_an_interrupted_run_of_large_parameters_ends_as_if_it_had_not_been(tmp_path: Path, stop: int) -> None:
    settings: dict[str, Any] = {"steps": 6, "optimizer": "adafactor", "clip": None, "by_size": True}
    backbone = tiny_backbone("decoder")
    whole = train(backbone, tmp_path / "whole", **settings)
    with pytest.raises(Stop):
        train(backbone, tmp_path / "cut", log=Memory(stop), checkpoint_seconds=0.0, **settings)
    assert same(train(backbone, tmp_path / "cut", checkpoint_seconds=0.0, **settings), whole)


def test_a_large_checkpoint_holds_a_tensor_that_several_names_share(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Moments in 8 bits share their code."""
    monkeypatch.setattr(offload, "LARGE", 0)
    code, whole = torch.arange(4.0), torch.arange(8.0)
    groups = {"optimizer": {"a": code, "b": code, "c": whole[:4], "d": whole[4:]}}
    writer = Writer(tmp_path)
    writer.write(Checkpoint(groups, {"step": 1}))
    assert writer.close() is None
    read = read_checkpoint(tmp_path)
    assert read is not None
    assert {name: tensor.tolist() for name, tensor in read.groups["optimizer"].items()} == {
        "a": [0, 1, 2, 3], "b": [0, 1, 2, 3], "c": [0, 1, 2, 3], "d": [4, 5, 6, 7],
    }  # fmt: skip


def test_each_gradient_is_dropped_once_its_parameter_is_updated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(offload, "LARGE", 0)
    layers = torch.nn.Sequential(*(torch.nn.Linear(4, 4, bias=False) for _ in range(3)))
    trainable = dict(layers.named_parameters())
    updates = Updates(trainable, budget(clip=None, optimizer="adamw", learning_rate=0.1))
    seen: list[int] = []
    for parameter in trainable.values():
        parameter.register_hook(lambda _: seen.append(sum(p.grad is not None for p in trainable.values())))
    before = {name: parameter.detach().clone() for name, parameter in trainable.items()}
    with updates.receiving(0, 1) as within:
        assert within
        layers(torch.randn(2, 4)).square().sum().backward()
    assert seen == [0, 0, 0]
    assert all(not torch.equal(parameter, before[name]) for name, parameter in trainable.items())
    with updates.receiving(1, 2) as within:  # the gradients of two parts have to be summed first
        assert not within


@pytest.mark.usefixtures("large")
def test_memory_that_runs_out_within_an_update_is_no_reason_to_repeat_the_step(tmp_path: Path) -> None:
    def fails(_: torch.Tensor) -> None:
        raise RuntimeError("DefaultCPUAllocator: not enough memory")

    def loss(adapted: AdaptedModel, batch: Batch) -> torch.Tensor:
        next(adapted.model.parameters()).register_hook(fails)  # the embeddings' gradient comes last
        return answer_loss(adapted, batch)

    with pytest.raises(StepFailed, match=r"for the batch: set `budget\.gradient_checkpointing: true`, or lower batch"):
        train(tiny_backbone("decoder"), tmp_path, loss=loss, clip=None, steps=2)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_trained_model_gets_its_own_values_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dtype: torch.dtype
) -> None:
    usual, large = (tiny_backbone("decoder", dtype=dtype) for _ in range(2))
    before = {name: tensor.clone() for name, tensor in large.model.state_dict().items()}
    first = train_weights(config_of("finetune"), job_for("finetune", usual, tmp_path / "a"))  # type: ignore[arg-type]
    monkeypatch.setattr(offload, "LARGE", 0)
    second = train_weights(config_of("finetune"), job_for("finetune", large, tmp_path / "b"))  # type: ignore[arg-type]
    assert first.artifact.hash == second.artifact.hash
    after = large.model.state_dict()
    assert all(torch.equal(after[name], tensor) and after[name].dtype == dtype for name, tensor in before.items())


@pytest.mark.usefixtures("large")
def test_room_for_the_copy_is_asked_first(tmp_path: Path) -> None:
    backbone = tiny_backbone("decoder")
    needed = bytes_of(dict(backbone.model.named_parameters()))
    job = job_for("finetune", backbone, tmp_path, disk=DiskSpace(tmp_path, limit=needed - 1))
    with pytest.raises(StepFailed, match="a copy of the weights takes"):
        train_weights(config_of("finetune"), job)  # type: ignore[arg-type]
    assert bits(backbone.model) == bits(tiny_backbone("decoder").model)
