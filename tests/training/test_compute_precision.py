"""The track's precision of computing: bf16 learns what float32 learns, and selects what it reports."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import pytest
import torch

from suite.methods import SELF
from suite.models.adapted import AdaptedModel, holding, swapped
from suite.models.apply import applied
from suite.models.backbone import Backbone, Shape
from suite.models.fused import fused
from suite.training.config import Reinforce
from suite.training.data.batches import Batches
from suite.training.data.examples import encode
from suite.training.device import computing
from suite.training.job import Trained
from suite.training.objectives.losses import answer_loss
from suite.training.objectives.reinforce import Rewarded, policy_loss
from suite.training.trainable import Trainable
from tests.methods.tiny_jobs import TRAINED, Terms, config_of, job_for, lengths, method_of, objective_of, parents_of
from tests.models.tiny_budget import Memory, Stop
from tests.models.tiny_models import tiny_backbone, tiny_examples
from tests.training.test_loop import same, train

Precision = Literal["float32", "bf16"]
PRECISIONS: tuple[Precision, ...] = ("float32", "bf16")


def trained(
    name: str, backbone: Backbone, folder: Path, precision: Precision, **changes: Any
) -> tuple[Memory, Trained]:
    """A short training by a method on a track that computes so."""
    log = changes.pop("log", None) or Memory()
    seconds = changes.pop("checkpoint_seconds", 60.0)
    job = job_for(name, backbone, folder, budget=Terms(precision=precision), log=log, checkpoint_seconds=seconds)
    method = method_of(name)
    assert method.train is not None
    return log, method.train(config_of(name, **changes), job)


def test_bf16_computes_in_bfloat16_and_float32_does_not_autocast(shape: Shape) -> None:
    backbone = tiny_backbone(shape)
    examples = encode(backbone, tiny_examples(4), max_length=64, soft_length=0).examples
    batch = Batches(backbone, examples, batch_size=4, seed=0).parts(0, 4)[0]
    dtypes: dict[str, torch.dtype] = {}
    backbone.model.get_output_embeddings().register_forward_hook(
        lambda module, inputs, output: dtypes.update({precision: output.dtype})
    )
    losses: dict[str, float] = {}
    for precision in PRECISIONS:
        with computing(backbone.device, precision):
            losses[precision] = float(answer_loss(AdaptedModel(backbone, backbone.model), batch))
    assert dtypes == {"float32": torch.float32, "bf16": torch.bfloat16}
    assert losses["float32"] == float(answer_loss(AdaptedModel(backbone, backbone.model), batch))
    assert losses["bf16"] != losses["float32"]
    assert losses["bf16"] == pytest.approx(losses["float32"], rel=5e-3)


@pytest.mark.parametrize("name", [name for name in TRAINED if objective_of(name) == "next_token"])
def test_every_method_learns_in_bf16_what_it_learns_in_float32(name: str, shape: Shape, tmp_path: Path) -> None:
    usual, low = (
        trained(name, tiny_backbone(shape), tmp_path / precision, precision, learning_rate=3e-3)
        for precision in PRECISIONS
    )
    assert usual[1].artifact.hash != low[1].artifact.hash
    assert low[0].losses == pytest.approx(usual[0].losses, rel=1e-2)


@pytest.mark.parametrize("name", TRAINED)
def test_bf16_goes_on_after_an_interruption_as_if_there_had_been_none(name: str, shape: Shape, tmp_path: Path) -> None:
    whole = trained(name, tiny_backbone(shape), tmp_path / "whole", "bf16", dropout=0.1)[1]
    with pytest.raises(Stop):
        trained(
            name, tiny_backbone(shape), tmp_path / "cut", "bf16", dropout=0.1, log=Memory(3), checkpoint_seconds=0.0
        )
    log, resumed = trained(name, tiny_backbone(shape), tmp_path / "cut", "bf16", dropout=0.1)
    assert log.said == ["going on after step 2"]
    assert (resumed.artifact.hash, resumed.fit.curve) == (whole.artifact.hash, whole.fit.curve)


def test_a_checkpoint_of_another_precision_is_not_resumed(tmp_path: Path) -> None:
    backbone, log = tiny_backbone("decoder"), Memory()
    with pytest.raises(Stop):
        train(backbone, tmp_path / "cut", log=Memory(3), checkpoint_seconds=0.0, compute_precision="bf16")
    assert same(train(backbone, tmp_path / "cut", log=log), train(backbone, tmp_path / "whole"))
    assert not any("going on" in line for line in log.said)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("name", TRAINED)
def test_a_score_in_training_is_that_of_the_artifact(
    name: str, shape: Shape, dtype: torch.dtype, tmp_path: Path
) -> None:
    if name.startswith("pissa") and dtype == torch.bfloat16:
        pytest.skip("what PiSSA takes out of a weight in bfloat16 is rounded once more (docs/performance.md)")
    backbone = tiny_backbone(shape, dtype=dtype)
    fit = trained(name, backbone, tmp_path, "bf16", steps=4)[1]
    parts, parents = method_of(name).stack(config_of(name), "rte", ("rte",)), parents_of(name, backbone)
    artifacts = [fit.artifact if part is SELF else parents[part] for part in parts]  # type: ignore[index]
    with applied(backbone, artifacts) as current, torch.no_grad(), fused(backbone.model):  # as it is evaluated
        assert lengths(current) == pytest.approx(fit.fit.best_score, abs=1e-3)


def test_float32_copies_of_a_base_in_bfloat16_are_scored_before_they_are_rounded(tmp_path: Path) -> None:
    backbone = tiny_backbone("decoder", dtype=torch.bfloat16)
    fit = trained("finetune", backbone, tmp_path, "float32")[1]
    with applied(backbone, [fit.artifact]) as current, torch.no_grad():
        assert lengths(current) != pytest.approx(fit.fit.best_score, abs=1e-3)


def test_the_base_that_kl_reads_does_not_stay_in_a_cast(tmp_path: Path) -> None:
    """The base's weights and the trained ones stand in the same parameters in turn, within one context."""
    backbone = tiny_backbone("decoder")
    base = {name: each.data for name, each in backbone.model.named_parameters()}
    generator = torch.Generator().manual_seed(0)
    moved = {name: each + 0.3 * torch.randn(each.shape, generator=generator) for name, each in base.items()}
    examples = encode(backbone, tiny_examples(4), max_length=64, soft_length=0).examples
    part = Rewarded(Batches(backbone, examples, batch_size=4, seed=0).parts(0, 4)[0], torch.ones(4))
    found: list[tuple[float, torch.Tensor]] = []
    for precision in PRECISIONS:
        with swapped(backbone.model, moved) as parameters:
            trainable = Trainable(parameters, lambda own=parameters: holding(own, base))  # type: ignore[misc]
            for each in parameters.values():
                each.requires_grad_(True)
            with computing(backbone.device, precision):
                loss = policy_loss(part, job_for("finetune", backbone, tmp_path), trainable, Reinforce(kl=0.5))
            gradients = torch.autograd.grad(loss, list(parameters.values()))
            backbone.model.requires_grad_(False)
        found.append((float(loss.detach()), torch.cat([each.flatten() for each in gradients])))
    (usual, whole), (low, rounded) = found
    assert low == pytest.approx(usual, rel=0.02)
    assert float(torch.cosine_similarity(whole, rounded, 0)) > 0.99
