"""Mixtures of experts: linear in weight space, mixed after the mask, and the base when nothing is left of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from suite.core.diagnostics import Mixture
from suite.core.errors import StepFailed
from suite.models import svf_types
from suite.models.adapted import AdaptedModel, swapped
from suite.models.apply import applied
from suite.models.artifacts import Artifact
from suite.models.artifacts.adapter import Adapter
from suite.models.artifacts.prompt import SoftPrompt
from suite.models.artifacts.singular import Singular
from suite.models.artifacts.singular import SingularMixer as Mixer
from suite.models.backbone import Backbone
from suite.models.singular import each_composed, factorise, matrices
from suite.training.cem_config import Search
from suite.training.expert_search import mix_by_search, mix_evenly, mixer_of
from suite.training.singular import spectra
from tests.methods.tiny_jobs import config_of, job_for, method_of
from tests.models.tiny_models import bits


@pytest.fixture(autouse=True, params=["stored", "computed"])
def products(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Mixtures as sums of stored products, and computed from the factors each time, as of large models."""
    if request.param == "computed":
        monkeypatch.setattr(svf_types, "STORED", 0)


def expert(backbone: Backbone, seed: int, *, renormalise: bool = True, rank: int | None = None) -> Singular:
    weights = dict(backbone.model.named_parameters())
    values = {n: factorise(weights[n]).cut(rank).values for n in matrices(backbone.model, "attention")}
    generator = torch.Generator().manual_seed(seed)
    masks = {name: 0.2 + torch.rand(len(each), generator=generator) for name, each in values.items()}
    return Singular(masks, values, renormalise)


def plainly(backbone: Backbone, artifact: Singular) -> dict[str, torch.Tensor]:
    return dict(each_composed(backbone.model, artifact.masks, artifact.values, renormalise=artifact.renormalise))


@pytest.mark.parametrize("rank", [None, 5])
@pytest.mark.parametrize("renormalise", [True, False])
def test_a_weighted_sum_is_the_mixture_composed_plainly(
    backbone: Backbone, renormalise: bool, rank: int | None
) -> None:
    experts = [expert(backbone, seed, renormalise=renormalise, rank=rank) for seed in range(3)]
    mixer = Mixer(backbone, experts)
    for alpha in (torch.tensor([0.2, 0.7, 0.1]), torch.rand(3, len(mixer.names))):
        wanted = plainly(backbone, mixer.artifact(alpha))
        for name, weight in mixer.weights(alpha).items():
            torch.testing.assert_close(weight, wanted[name], rtol=1e-4, atol=1e-5)


def test_masks_are_mixed_and_one_expert_alone_is_that_expert(backbone: Backbone) -> None:
    experts = [expert(backbone, seed) for seed in range(2)]
    mixed = Mixer(backbone, experts).artifact(torch.tensor([0.25, 0.5]))
    for name, mask in mixed.masks.items():
        torch.testing.assert_close(mask, 0.25 * experts[0].masks[name] + 0.5 * experts[1].masks[name])
    alone = Mixer(backbone, experts).artifact(torch.tensor([0.0, 1.0]))
    assert alone.hash == experts[1].hash


@pytest.mark.parametrize("alpha", [[1 / 3, 1 / 3, 1 / 3], [0.9, 0.05, 0.4]])
def test_copies_of_an_expert_give_that_expert_for_every_weight(backbone: Backbone, alpha: list[float]) -> None:
    one = expert(backbone, 1)
    wanted = plainly(backbone, one)
    for name, weight in Mixer(backbone, [one] * 3).weights(torch.tensor(alpha)).items():
        torch.testing.assert_close(weight, wanted[name], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("alpha", "same"), [([0.2, 0.5, 0.3], True), ([0.9, 0.05, 0.4], False)])
def test_without_renormalising_copies_give_that_expert_only_where_the_weights_sum_to_one(
    backbone: Backbone, alpha: list[float], same: bool
) -> None:
    one = expert(backbone, 1, renormalise=False)
    wanted = plainly(backbone, one)
    found = Mixer(backbone, [one] * 3).weights(torch.tensor(alpha))
    assert all(torch.allclose(found[name], wanted[name], rtol=1e-4, atol=1e-5) == same for name in found)


@pytest.mark.parametrize("renormalise", [True, False])
def test_the_scale_of_all_weights_together_matters_only_without_renormalising(
    backbone: Backbone, renormalise: bool
) -> None:
    mixer = Mixer(backbone, [expert(backbone, seed, renormalise=renormalise) for seed in range(2)])
    alpha = torch.tensor([0.3, 0.6])
    half, whole = mixer.weights(alpha / 2), mixer.weights(alpha)
    assert all(torch.allclose(half[name], whole[name], rtol=1e-4, atol=1e-6) == renormalise for name in whole)


def test_a_mixture_of_nothing_is_the_base(backbone: Backbone) -> None:
    mixer = Mixer(backbone, [expert(backbone, 1), expert(backbone, 2)])
    assert mixer.weights(torch.zeros(2)) == {}
    weights = dict(backbone.model.named_parameters())
    for name, weight in plainly(backbone, mixer.artifact(torch.zeros(2))).items():
        assert torch.equal(weight, weights[name])


def test_experts_that_do_not_go_together_are_refused(backbone: Backbone) -> None:
    one = expert(backbone, 1)
    with pytest.raises(StepFailed, match="one kind, not of singular, prompt"):
        mixer_of(backbone, [one, SoftPrompt(torch.zeros(2, backbone.width))])
    with pytest.raises(StepFailed, match="kind 'prompt' cannot be mixed"):
        mixer_of(backbone, [SoftPrompt(torch.zeros(2, backbone.width))] * 2)
    with pytest.raises(StepFailed, match="other matrices, ranks, or sums"):
        Mixer(backbone, [one, expert(backbone, 2, rank=3)])
    name = next(iter(one.values))
    other = replace(one, values={**one.values, name: one.values[name] * 2})
    with pytest.raises(StepFailed, match="other singular values"):
        Mixer(backbone, [one, other])


def test_an_even_mixture(backbone: Backbone, tmp_path: Path) -> None:
    experts = (expert(backbone, 1), expert(backbone, 2))
    trained = mix_evenly(job_for("svf", backbone, tmp_path, parents=experts, examples=()), ("math", "code"))
    assert isinstance(trained.artifact, Singular)
    for name, mask in trained.artifact.masks.items():
        torch.testing.assert_close(mask, (experts[0].masks[name] + experts[1].masks[name]) / 2)
    curve = [(point.step, point.name, point.value) for point in trained.fit.curve]
    assert curve == [(0, "α of expert 1", 0.5), (0, "α of expert 2", 0.5)]


@pytest.mark.parametrize("by_matrix", [False, True])
def test_a_search_prefers_what_answers_better_and_leaves_the_base_alone(
    backbone: Backbone, tmp_path: Path, by_matrix: bool
) -> None:
    before = bits(backbone.model)
    experts = (expert(backbone, 1), expert(backbone, 2))
    job = job_for("svf", backbone, tmp_path, parents=experts)
    settings = Search(population=6, generations=3, elite=0.4)
    first, again = (mix_by_search(job, ("a", "b"), shots=5, settings=settings, by_matrix=by_matrix) for _ in range(2))
    assert first.artifact.hash == again.artifact.hash
    scores = [point.value for point in first.fit.curve if point.name == "selection"]
    assert len(scores) == 3
    assert scores == sorted(scores)
    assert first.trained_parameters == 2 * (len(experts[0].masks) if by_matrix else 1)
    assert first.fit.tokens > 0
    assert bits(backbone.model) == before


def test_no_more_than_the_shots_are_asked(backbone: Backbone, tmp_path: Path) -> None:
    asked: set[str] = set()
    job = job_for("svf", backbone, tmp_path, parents=(expert(backbone, 1),))

    def watch(now: Any, target: Any, few: Any, how: Any) -> Any:
        asked.update(example.prompt for example in few)
        return job.roll_out(now, target, few, how)

    mix_by_search(
        replace(job, roll_out=watch), ("a",), shots=3, settings=Search(population=3, generations=2), by_matrix=False
    )
    assert len(asked) == 3


def adapters(name: str, backbone: Backbone, folder: Path) -> list[Adapter]:
    """Two adapters that were really trained, from other seeds."""
    found: list[Adapter] = []
    for seed in (1, 2):
        train = method_of(name).train
        assert train is not None
        artifact = train(config_of(name), job_for(name, backbone, folder / str(seed), seed=seed)).artifact
        assert isinstance(artifact, Adapter)
        found.append(artifact)
    return found


def logits(current: AdaptedModel) -> torch.Tensor:
    ids = torch.tensor([[7, 8, 9, 10]])
    more = {"decoder_input_ids": ids} if current.backbone.shape == "encoder-decoder" else {}
    with torch.no_grad():
        return torch.as_tensor(current.model(input_ids=ids, **more).logits)


@pytest.mark.parametrize("name", ["lora", "ia3"])
@pytest.mark.parametrize("by_matrix", [False, True])
def test_adapters_are_mixed_in_weight_space(backbone: Backbone, tmp_path: Path, name: str, by_matrix: bool) -> None:
    before = bits(backbone.model)
    mixer = mixer_of(backbone, adapters(name, backbone, tmp_path))
    generator = torch.Generator().manual_seed(3)
    alpha = torch.rand((2, len(mixer.names)) if by_matrix else (2,), generator=generator)
    with swapped(backbone.model, mixer.weights(alpha)):
        wanted = logits(AdaptedModel(backbone, backbone.model))
    with applied(backbone, [mixer.artifact(alpha)]) as current:
        torch.testing.assert_close(logits(current), wanted, rtol=1e-4, atol=1e-4)
    assert bits(backbone.model) == before


@pytest.mark.parametrize("name", ["lora", "ia3"])
def test_one_adapter_alone_is_that_adapter_and_none_is_the_base(backbone: Backbone, tmp_path: Path, name: str) -> None:
    one, other = adapters(name, backbone, tmp_path)
    mixer = mixer_of(backbone, [one, other])
    for alpha, artifacts in (([0.0, 1.0], [other]), ([0.0, 0.0], list[Artifact]())):
        with applied(backbone, artifacts) as current:
            wanted = logits(current)
        with applied(backbone, [mixer.artifact(torch.tensor(alpha))]) as current:
            torch.testing.assert_close(logits(current), wanted, rtol=1e-5, atol=1e-5)


def test_adapters_that_do_not_go_together_are_refused(backbone: Backbone, tmp_path: Path) -> None:
    one, other = adapters("lora", backbone, tmp_path)
    with pytest.raises(StepFailed, match="other settings"):
        mixer_of(backbone, [one, replace(other, peft={**other.peft, "lora_alpha": 5})])
    with pytest.raises(StepFailed, match="only the plain one"):
        mixer_of(backbone, [replace(each, peft={**each.peft, "use_dora": True}) for each in (one, other)])
    with pytest.raises(StepFailed, match="experts of one kind"):
        mixer_of(backbone, [one, expert(backbone, 1)])


def test_a_mixture_says_what_it_is_made_of(backbone: Backbone, tmp_path: Path) -> None:
    job = job_for("svf", backbone, tmp_path, parents=(expert(backbone, 1), expert(backbone, 2)))
    settings = Search(population=3, generations=1)
    (found,) = mix_by_search(job, ("math", "code"), shots=2, settings=settings, by_matrix=True).findings
    assert isinstance(found, Mixture)
    assert found.experts == ("math", "code")
    assert found.matrices == matrices(backbone.model, "attention")
    (found,) = mix_evenly(job, ("math", "code")).findings
    assert found == Mixture(experts=("math", "code"), alpha=((0.5,), (0.5,)))


def test_spectra_say_how_singular_values_were_scaled(backbone: Backbone) -> None:
    found = spectra(expert(backbone, 1)).matrices
    assert tuple(row.matrix for row in found) == matrices(backbone.model, "attention")
    for row in found:
        assert list(row.values) == sorted(row.values, reverse=True)
        assert len(row.factors) == 10
        assert row.least <= min(row.factors) <= max(row.factors) <= row.most
