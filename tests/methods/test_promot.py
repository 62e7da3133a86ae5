"""ProMoT and what its paper compares it with: every variant keeps the contract of methods, on both shapes of model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from suite import methods
from suite.core.errors import StepFailed
from suite.methods import SELF
from suite.models.apply import applied
from suite.models.artifacts import Artifact, load_artifact
from suite.models.artifacts.adapter import Adapter
from suite.models.artifacts.joint import Joint
from suite.models.artifacts.prompt import SoftPrompt
from suite.models.backbone import Backbone, Shape
from suite.models.in_effect import assert_in_effect
from suite.training.job import Answering, Trained
from suite.training.objectives import losses
from tests.methods.test_contract import logits
from tests.methods.tiny_jobs import job_for, lengths, tiny_set
from tests.models.tiny_budget import Memory, Stop
from tests.models.tiny_models import bits, tiny_backbone, tiny_examples

MIX = {"rte": 1.0, "cb": 3.0}
SMALL: dict[str, Any] = {"steps": 4, "learning_rate": 0.01}
VARIANTS: dict[str, tuple[str, dict[str, Any], tuple[str, ...]]] = {
    "multi-task fine-tuning": ("finetune", {"mix": MIX}, ("rte", "cb")),
    "multi-task ProMoT": ("promot", {"mix": MIX, "stage_one": {"length": 4}}, ("rte", "cb")),
    "fine-tuning + 1-shot": ("finetune", {"shots": 1}, ("rte",)),
    "prompt tuning + 1-shot": ("prompt_tuning", {"shots": 1, "length": 4}, ("rte",)),
    "ProMoT + 1-shot": ("promot", {"shots": 1, "stage_one": {"length": 4}}, ("rte",)),
    "multi-task ProMoT + 1-shot": ("promot", {"shots": 1, "mix": MIX, "stage_one": {"length": 4}}, ("rte", "cb")),
    "joint tuning": ("joint_tuning", {"length": 4}, ("rte",)),
    "fixed random prompt": ("promot", {"stage_one": {"name": "fixed_prompt", "length": 4}}, ("rte",)),
    "one-shot text": ("promot", {"stage_one": {"name": "fixed_prompt", "init": "exemplar"}}, ("rte",)),
    "LoRA r=2 first": ("promot", {"stage_one": {"name": "lora", "rank": 2}}, ("rte",)),
    "LoRA r=4 first": ("promot", {"stage_one": {"name": "lora", "rank": 4}}, ("rte",)),
    "prompt from random vectors": ("prompt_tuning", {"init": "random", "length": 4}, ("rte",)),
    "prompt from words": ("prompt_tuning", {"init": "vocab", "length": 4}, ("rte",)),
    "prompt from a text": ("prompt_tuning", {"init": "text", "text": "w1 w2 question:", "length": 4}, ("rte",)),
}


@pytest.fixture(params=list(VARIANTS))
def variant(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def config_of(variant: str, **changes: Any) -> Any:
    name, settings, _ = VARIANTS[variant]
    return methods.get(name).Config(**{**SMALL, **settings, **changes})


def sets_of(variant: str) -> Any:
    rows = tiny_examples(24)
    return tuple(tiny_set(role, rows[12 * at : 12 * at + 12]) for at, role in enumerate(VARIANTS[variant][2]))


def parents_of(variant: str, backbone: Backbone, folder: Path) -> tuple[Artifact, ...]:
    """The artifacts of the first stages, trained for a few steps."""
    name, _, targets = VARIANTS[variant]
    made = []
    for number, needed in enumerate(methods.get(name).prerequisites(config_of(variant), targets)):
        config = needed.config
        if "steps" in type(config).model_fields:
            config = config.model_copy(update={"steps": 3, "learning_rate": 0.1, "optimizer": "adamw"})
        those = tuple(each for each in sets_of(variant) if each.role in needed.targets)
        job = job_for(needed.method, backbone, folder / f"stage one {number}", examples=those, parents=())
        train = methods.get(needed.method).train
        assert train is not None
        made.append(train(config, job).artifact)
    return tuple(made)


def train(variant: str, backbone: Backbone, folder: Path, **changes: Any) -> Trained:
    name = VARIANTS[variant][0]
    settings = changes.pop("settings", {})
    changes.setdefault("parents", parents_of(variant, backbone, folder))
    job = job_for(name, backbone, folder / "own", examples=sets_of(variant), **changes)
    method = methods.get(name)
    assert method.train is not None
    return method.train(config_of(variant, **settings), job)


def test_a_variant_leaves_the_base_as_it_was(variant: str, backbone: Backbone, tmp_path: Path) -> None:
    before, modules = bits(backbone.model), list(backbone.model.modules())
    trained = train(variant, backbone, tmp_path)
    assert bits(backbone.model) == before
    assert all(a is b for a, b in zip(modules, backbone.model.modules(), strict=True))
    assert not any(p.requires_grad or p.grad is not None for p in backbone.model.parameters())
    assert trained.trained_parameters > 0


def test_a_variants_artifact_answers_as_it_was_selected(variant: str, backbone: Backbone, tmp_path: Path) -> None:
    parents = parents_of(variant, backbone, tmp_path)
    trained = train(variant, backbone, tmp_path, parents=parents)
    trained.artifact.save(tmp_path / "kept", base=backbone.identity)
    loaded = load_artifact(tmp_path / "kept", backbone.identity)
    assert loaded.hash == trained.artifact.hash
    name, _, targets = VARIANTS[variant]
    parts = methods.get(name).stack(config_of(variant), "rte", targets)
    artifacts = [loaded if part is SELF else parents[part] for part in parts]  # type: ignore[index]
    with applied(backbone, artifacts) as current, torch.no_grad():
        assert_in_effect(current)
        assert lengths(current) == pytest.approx(trained.fit.best_score, abs=1e-3)


def test_a_variant_repeats_and_resumes_to_the_bit(variant: str, backbone: Backbone, tmp_path: Path) -> None:
    parents = parents_of(variant, backbone, tmp_path)
    options: dict[str, Any] = {"parents": parents, "settings": {"dropout": 0.1}}
    whole = train(variant, backbone, tmp_path / "whole", **options)
    with pytest.raises(Stop):
        train(variant, backbone, tmp_path / "cut", log=Memory(3), checkpoint_seconds=0.0, **options)
    log = Memory()
    resumed = train(variant, backbone, tmp_path / "cut", log=log, **options)
    assert log.said[-1] == "going on after step 2"
    assert (resumed.artifact.hash, resumed.fit.curve) == (whole.artifact.hash, whole.fit.curve)
    other = train(variant, backbone, tmp_path / "other", seed=1, **options)
    assert other.artifact.hash != whole.artifact.hash


def test_every_input_stands_behind_its_own_tasks_prompt(backbone: Backbone, tmp_path: Path, monkeypatch: Any) -> None:
    """With the prompts of the two tasks exchanged, this fails."""
    seen: dict[bytes, set[tuple[int, ...]]] = {}
    real = losses.answer_loss

    def watch(current: Any, batch: Any, *rest: Any) -> Tensor:
        texts = seen.setdefault(current.soft.detach().numpy().tobytes(), set())
        for row, mask in zip(batch.input_ids.tolist(), batch.attention_mask.tolist(), strict=True):
            texts.add(tuple(token for token, real_one in zip(row, mask, strict=True) if real_one))
        return real(current, batch, *rest)

    monkeypatch.setattr("suite.training.objectives.supervised.answer_loss", watch)
    variant = "multi-task ProMoT"
    prompts = tuple(SoftPrompt(torch.full((4, backbone.width), float(place + 1))) for place in range(2))
    train(variant, backbone, tmp_path, parents=prompts)
    monkeypatch.undo()
    for prompt, own in zip(prompts, sets_of(variant), strict=True):
        asked = {tuple(ids) for ids in _encoded(own, backbone)}
        found = seen[prompt.vectors.numpy().tobytes()]
        assert found
        assert all(any(text[: len(ids)] == ids for ids in asked) for text in found)


def _encoded(target: Any, backbone: Backbone) -> list[list[int]]:
    from suite.models.tokens import encode_prompt

    return [list(encode_prompt(backbone, example.prompt)) for example in target.examples]


def test_each_target_is_selected_behind_its_own_prompt_and_others_without_any(
    backbone: Backbone, tmp_path: Path
) -> None:
    prompts = tuple(SoftPrompt(torch.full((3 + place, backbone.width), 0.1)) for place in range(2))
    looks: list[int] = []

    def selection(answering: Answering) -> float:
        for role in ("rte", "cb", "wic"):
            with answering(role) as current:
                looks.append(current.soft_length)
        return 1.0

    train("multi-task ProMoT", backbone, tmp_path, parents=prompts, selection=selection)
    assert looks[:3] == [3, 4, 0]


def test_a_first_stage_by_lora_is_frozen_on_for_the_target_and_off_elsewhere(
    backbone: Backbone, tmp_path: Path
) -> None:
    (adapter,) = parents_of("LoRA r=2 first", backbone, tmp_path)
    assert isinstance(adapter, Adapter)
    told: dict[str, Tensor] = {}

    def selection(answering: Answering) -> float:
        for role in ("rte", "wic"):
            with answering(role) as current:
                told[role] = logits(current)
        return 1.0

    settings = {"steps": 2}
    trained = train("LoRA r=2 first", backbone, tmp_path, parents=(adapter,), selection=selection, settings=settings)
    for role, artifacts in (("rte", [trained.artifact, adapter]), ("wic", [trained.artifact])):
        with applied(backbone, artifacts) as current:
            assert torch.allclose(logits(current), told[role], atol=1e-4), role
    assert not torch.allclose(told["rte"], told["wic"], atol=1e-3)


def test_joint_tuning_answers_other_tasks_without_its_prompt(backbone: Backbone, tmp_path: Path) -> None:
    trained = train("joint tuning", backbone, tmp_path)
    joint = trained.artifact
    assert isinstance(joint, Joint)
    config = config_of("joint tuning")
    (elsewhere,) = methods.get("joint_tuning").stack(config, "cb", ("rte",))
    assert isinstance(elsewhere, methods.OwnPart)
    alone = joint.part(elsewhere.name)
    weights, prompt = joint.parts.values()
    with applied(backbone, [joint]) as current:
        assert current.soft_length == 4
        both = logits(current)
    with applied(backbone, [weights, prompt]) as current:
        assert torch.equal(logits(current), both)
    with applied(backbone, [alone]) as current:
        assert current.soft_length == 0
        assert not torch.equal(logits(current), both)


def test_a_fixed_prompt_is_not_trained(shape: Shape, tmp_path: Path) -> None:
    backbone = tiny_backbone(shape)
    fixed, table = methods.get("fixed_prompt"), backbone.model.get_input_embeddings().weight
    (own,) = sets_of("one-shot text")

    def made(seed: int = 0, **settings: Any) -> Tensor:
        job = job_for("fixed_prompt", backbone, tmp_path, examples=(own,), seed=seed, parents=())
        trained = fixed.train(fixed.Config(**settings), job)  # type: ignore[misc]
        assert trained.trained_parameters == 0
        assert isinstance(trained.artifact, SoftPrompt)
        return trained.artifact.vectors

    random = made(init="random", length=6)
    assert random.shape == (6, backbone.width)
    assert float(random.abs().max()) <= 0.5
    assert torch.equal(random, made(init="random", length=6))
    assert not torch.equal(random, made(seed=1, init="random", length=6))
    exemplar = own.prompts.exemplar(own.few(1, 0)[0].doc)
    ids = backbone.tokenizer.encode(exemplar, add_special_tokens=False)
    assert torch.equal(made(init="exemplar"), table[ids])
    over = backbone.tokenizer.encode("w1 w2 w1", add_special_tokens=False)
    assert torch.equal(made(init="text", text="w1 w2", length=3), table[over])


def test_promot_without_its_first_stage_fails(backbone: Backbone, tmp_path: Path) -> None:
    with pytest.raises(StepFailed, match="a soft prompt for each target"):
        train("ProMoT + 1-shot", backbone, tmp_path, parents=())
