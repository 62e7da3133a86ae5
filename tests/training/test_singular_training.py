"""SVF's parameters: where they start, in which precision they move, and what they become."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from suite.methods import svf
from suite.models.artifacts.singular import Singular
from suite.models.backbone import Backbone
from suite.models.singular import Factors, factorise, masked, matrices
from suite.models.svf_types import Mask
from suite.training.singular import composing, train_singular, transferred
from tests.methods.tiny_jobs import job_for
from tests.models.tiny_models import bits, tiny_backbone


def logits(backbone: Backbone) -> torch.Tensor:
    ids = torch.tensor([[6, 7, 8, 9]])
    more = {"decoder_input_ids": ids} if backbone.shape == "encoder-decoder" else {}
    return backbone.model(input_ids=ids, **more).logits.detach()  # type: ignore[no-any-return]


@pytest.mark.parametrize(("spread", "same"), [(0.0, True), (0.5, False)])
def test_without_spread_training_starts_at_the_base(backbone: Backbone, spread: float, same: bool) -> None:
    weights = dict(backbone.model.named_parameters())
    factors = {name: factorise(weights[name]) for name in matrices(backbone.model, "all")}
    generator = torch.Generator().manual_seed(0)
    start = {n: 0.1 + spread * torch.randn(len(f.values), generator=generator) for n, f in factors.items()}
    base, before = logits(backbone), bits(backbone.model)
    with composing(backbone.model, factors, start, mask="sigmoid", renormalise=True):
        # c · s · m is s but for the rounding of float32
        assert torch.allclose(logits(backbone), base, rtol=1e-4, atol=1e-4) == same
    assert bits(backbone.model) == before


def test_a_factor_of_one_is_the_base_to_the_bit(backbone: Backbone) -> None:
    weights = dict(backbone.model.named_parameters())
    factors = {name: factorise(weights[name]) for name in matrices(backbone.model, "all")}
    start = {name: torch.ones(len(each.values)) for name, each in factors.items()}
    base = logits(backbone)
    with composing(backbone.model, factors, start, mask="linear", renormalise=True):
        assert torch.equal(logits(backbone), base)


def test_a_bfloat16_model_has_float32_parameters_that_small_steps_move(tmp_path: Path) -> None:
    step = 2e-3
    assert torch.tensor(1.0, dtype=torch.bfloat16) + step == 1.0  # lost where parameters are as coarse as the model
    backbone = tiny_backbone("decoder", dtype=torch.bfloat16)
    config = svf.Config(steps=1, learning_rate=step, start=1.0, mask="linear", objective="next_token")
    artifact = train_singular(config, job_for("svf", backbone, tmp_path)).artifact
    assert isinstance(artifact, Singular)
    for name, mask in artifact.masks.items():
        assert mask.dtype == torch.float32
        assert float((mask - 1.0).abs().max()) == pytest.approx(step, rel=0.01), name


@pytest.mark.parametrize(("mask", "value"), [("sigmoid", 0.8808), ("linear", 2.0), ("exp", 7.3891)])
def test_a_parameter_becomes_the_factor_that_is_named(mask: Mask, value: float) -> None:
    assert float(masked(torch.tensor([2.0]), mask)) == pytest.approx(value, abs=1e-4)


def test_a_matrixs_gradient_is_used_up_before_the_next_is_there(
    backbone: Backbone, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = dict(backbone.model.named_parameters())
    factors = {name: factorise(weights[name]) for name in matrices(backbone.model, "all")}
    start = {name: torch.full((len(each.values),), 0.1) for name, each in factors.items()}
    ids, events, real = torch.tensor([[7, 8, 9]]), list[str](), Factors.sides
    more = {"decoder_input_ids": ids} if backbone.shape == "encoder-decoder" else {}
    with composing(backbone.model, factors, start, mask="sigmoid", renormalise=True) as made:
        made.compose()
        loss = backbone.model(input_ids=ids, **more).logits.sum()
        for name, module in made.modules.items():
            module.weight.register_hook(lambda _, name=name: events.append(name))
        monkeypatch.setattr(Factors, "sides", lambda *given: events.append("used") or real(*given))
        loss.backward()
    assert set(events[::2]) == set(factors)
    assert set(events[1::2]) == {"used"}


def test_factors_may_be_shuffled_within_each_matrix_by_the_seed(backbone: Backbone, tmp_path: Path) -> None:
    values = {name: each.detach() for name, each in backbone.model.named_parameters()}
    names = matrices(backbone.model, "mlp")
    generator = torch.Generator().manual_seed(3)
    own = {name: factorise(values[name]).values for name in names}
    given = Singular({name: torch.rand(len(each), generator=generator) for name, each in own.items()}, own, True)

    def moved(seed: int, *, shuffled: bool) -> Singular:
        job = job_for("svf", backbone, tmp_path, parents=(given,), seed=seed)
        artifact = transferred(job, shuffled=shuffled).artifact
        assert isinstance(artifact, Singular)
        return artifact

    kept, first, again, other = (
        moved(0, shuffled=False), moved(0, shuffled=True), moved(0, shuffled=True), moved(1, shuffled=True),
    )  # fmt: skip
    for name, mask in given.masks.items():
        assert torch.equal(kept.masks[name], mask)
        assert torch.equal(first.masks[name].sort().values, mask.sort().values)
        assert torch.equal(first.masks[name], again.masks[name])
        assert not torch.equal(first.masks[name], mask)
        assert not torch.equal(first.masks[name], other.masks[name])
