"""Updates in bfloat16 with stochastic rounding, and optimisers with 8-bit moments."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from suite.core.errors import StepFailed
from suite.models import offload
from suite.models.adapted import AdaptedModel
from suite.models.backbone import Backbone, Shape
from suite.training.data.batches import Batches
from suite.training.data.examples import encode
from suite.training.loop import Fit, fit
from suite.training.objectives.losses import answer_loss
from suite.training.optim import make_optimizer
from suite.training.updates import rounded
from suite.training.weights import train_weights
from tests.methods.tiny_jobs import config_of, job_for, method_of
from tests.models.tiny_budget import Memory, Stop, budget
from tests.models.tiny_models import tiny_backbone, tiny_examples
from tests.training.test_loop import same


def train(folder: Path, *, stop: int | None = None, **changes: Any) -> Fit:
    """Train a model in bfloat16 by updates in bfloat16."""
    backbone = tiny_backbone("decoder", dtype=torch.bfloat16)
    terms = budget(**{"precision": "bf16", **changes})
    examples = encode(backbone, tiny_examples(20), max_length=64, soft_length=0).examples
    adapted, trainable = AdaptedModel(backbone, backbone.model), dict(backbone.model.named_parameters())
    return fit(
        backbone.model, trainable, lambda batch: answer_loss(adapted, batch),
        Batches(backbone, examples, batch_size=4, seed=0), terms, seed=0,
        score=None, checkpoint=folder, log=Memory(stop),
    )  # fmt: skip


def test_rounding_is_right_on_average_and_exact_where_bfloat16_is() -> None:
    exact = torch.randn(100).bfloat16().float()
    assert torch.equal(rounded(exact, 0).float(), exact)
    values = torch.full((100_000,), 1 + 0.3 / 128)  # between 1 and 1 + 1/128
    found = rounded(values, 7)
    assert set(found.float().tolist()) == {1.0, 1 + 1 / 128}
    assert float((found == 1).double().mean()) == pytest.approx(0.7, abs=0.01)
    assert torch.equal(rounded(values, 7), found)
    assert not torch.equal(rounded(values, 8), found)
    assert float(rounded(-values, 7).double().mean()) == pytest.approx(float(-values.double().mean()), rel=1e-4)


def test_small_steps_that_rounding_to_nearest_would_lose_are_made_on_average(tmp_path: Path) -> None:
    before = dict(tiny_backbone("decoder", dtype=torch.bfloat16).model.named_parameters())
    moved = train(tmp_path, steps=8, learning_rate=2e-5, optimizer="adamw", select_every=None).best
    norm = next(name for name in moved if "norm" in name)  # ones: a step of 2e-5 is a four-hundredth of their spacing
    changed = sum(int((moved[name] != before[name]).sum()) for name in moved if "norm" in name)
    count = sum(moved[name].numel() for name in moved if "norm" in name)
    assert moved[norm].dtype == torch.bfloat16
    assert 0 < changed < count / 4


def test_the_loss_falls_as_with_float32_copies(tmp_path: Path) -> None:
    def losses(precision: str, optimizer: str) -> list[float]:
        backbone, log = tiny_backbone("decoder", dtype=torch.bfloat16), Memory()
        settings = {"precision": precision, "optimizer": optimizer, "steps": 30, "learning_rate": 3e-3, "clip": None}
        job = job_for("finetune", backbone, tmp_path / precision / optimizer, log=log)
        train_weights(config_of("finetune", **settings), job)  # type: ignore[arg-type]
        return log.losses

    for optimizer in ("adamw", "adafactor", "adamw8bit"):
        usual, low = losses("float32", optimizer), losses("bf16", optimizer)
        assert sum(low[-5:]) < 0.6 * sum(low[:5])
        assert sum(low[-5:]) == pytest.approx(sum(usual[-5:]), rel=0.35)


@pytest.mark.parametrize("optimizer", ["adamw", "adafactor", "adamw8bit"])
def test_bfloat16_updates_within_the_backward_pass_and_after_it_give_the_same_bits(
    tmp_path: Path, optimizer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings: dict[str, Any] = {"optimizer": optimizer, "clip": None, "weight_decay": 1e-3, "decay_by_rate": False}
    after = train(tmp_path / "after", **settings)
    monkeypatch.setattr(offload, "LARGE", 0)
    assert same(train(tmp_path / "within", **settings), after)


@pytest.mark.parametrize("optimizer", ["adafactor", "adamw8bit"])
def test_an_interrupted_run_in_bfloat16_ends_as_if_it_had_not_been(tmp_path: Path, optimizer: str) -> None:
    settings: dict[str, Any] = {"optimizer": optimizer, "steps": 6}
    whole = train(tmp_path / "whole", **settings)
    with pytest.raises(Stop):
        train(tmp_path / "cut", stop=3, checkpoint_seconds=0.0, **settings)
    assert same(train(tmp_path / "cut", checkpoint_seconds=0.0, **settings), whole)


def test_8_bit_moments_take_two_bytes_a_number_and_step_as_adamw_does() -> None:
    steps: dict[str, torch.Tensor] = {}
    for name in ("adamw", "adamw8bit"):
        parameter = torch.nn.Parameter(torch.ones(128, 128))
        optimizer = make_optimizer({"w": parameter}, budget(optimizer=name, learning_rate=1e-3))
        for seed in range(3):
            parameter.grad = torch.randn(128, 128, generator=torch.Generator().manual_seed(seed))
            optimizer.step()
        steps[name] = parameter.detach() - 1
    state = optimizer.state[parameter]
    moments = [state[name] for name in ("state1", "state2")]
    assert [(moment.dtype, moment.numel()) for moment in moments] == [(torch.uint8, 128 * 128)] * 2
    apart = (steps["adamw8bit"] - steps["adamw"]).norm() / steps["adamw"].norm()
    assert float(apart) < 0.05


def test_8_bit_moments_need_their_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("suite.models.quantized.find_spec", lambda name: None)
    with pytest.raises(Exception, match=r"`optimizer: adamw8bit` needs the package bitsandbytes; pip install bitsand"):
        make_optimizer({"w": torch.nn.Parameter(torch.ones(2))}, budget(optimizer="adamw8bit"))


def test_a_model_trained_in_bfloat16_gets_its_own_values_back(tmp_path: Path) -> None:
    backbone: Backbone = tiny_backbone("decoder", dtype=torch.bfloat16)
    before = {name: tensor.clone() for name, tensor in backbone.model.state_dict().items()}
    config = config_of("finetune", precision="bf16", learning_rate=1e-2)
    trained = train_weights(config, job_for("finetune", backbone, tmp_path))  # type: ignore[arg-type]
    assert {tensor.dtype for tensor in trained.artifact.tensors.values()} == {torch.bfloat16}
    after = backbone.model.state_dict()
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())


@pytest.mark.parametrize("name", ["finetune", "promot", "joint_tuning"])
def test_every_method_of_all_weights_trains_in_bfloat16(name: str, shape: Shape, tmp_path: Path) -> None:
    backbone, log = tiny_backbone(shape, dtype=torch.bfloat16), Memory()
    before = {key: tensor.clone() for key, tensor in backbone.model.state_dict().items()}
    config = config_of(name, precision="bf16", steps=20, learning_rate=3e-3)
    trained = method_of(name).train(config, job_for(name, backbone, tmp_path, log=log))  # type: ignore[misc]
    assert sum(log.losses[-4:]) < 0.8 * sum(log.losses[:4])
    weights = trained.artifact.parts.get("weights", trained.artifact).tensors
    assert {each.dtype for each in weights.values()} == {torch.bfloat16}
    assert len(weights) > len(before) / 2
    assert all(torch.equal(backbone.model.state_dict()[key], tensor) for key, tensor in before.items())


def test_a_loss_that_is_no_number_stops_before_an_update_within_the_backward_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(offload, "LARGE", 0)
    with pytest.raises(StepFailed, match="try a lower learning rate"):
        train(tmp_path, learning_rate=1e30, clip=None, optimizer="adafactor")
