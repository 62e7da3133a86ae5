"""Jobs for methods on tiny models."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch

from suite import methods
from suite.core.block import Block
from suite.evaluation.rollout import Rollout
from suite.inference.decode import Stops, decode, greedy, temperature_sampler
from suite.models.adapted import AdaptedModel
from suite.models.adapter import adapter_state, config_as_json, injected
from suite.models.adapter_targets import choose_targets
from suite.models.artifacts import Artifact
from suite.models.artifacts.adapter import Adapter
from suite.models.artifacts.prompt import SoftPrompt
from suite.models.backbone import Backbone
from suite.models.tokens import encode_prompt
from suite.tasks.load import Example
from suite.training.data.training_set import TrainingSet
from suite.training.job import Answering, Job, Sampling
from tests.models.tiny_budget import Memory
from tests.models.tiny_models import tiny_examples

OTHER = {"next_token": " by reward", "reinforce": " by likelihood"}
TRAINED = tuple(
    f"{name}{way}"
    for name in methods.names()
    if "objective" in methods.get(name).Config.model_fields
    for way in ("", OTHER[methods.get(name).Config.model_fields["objective"].default])
)
"""Every method that optimises parameters, with its own objective and with the other."""


@dataclass(frozen=True)
class Terms:
    batch_size: int = 4
    max_length: int = 64
    micro_batch: int | None = None
    gradient_checkpointing: Literal["auto"] | bool = "auto"
    precision: Literal["float32", "bf16"] = "float32"


@dataclass(frozen=True)
class Rule:
    every: int | None = 2
    stop_at_score: float | None = None
    patience: int | None = None


def method_of(name: str) -> methods.Method:
    """The method of a name in `TRAINED`."""
    return methods.get(name.partition(" ")[0])


def objective_of(name: str) -> str:
    """What a name in `TRAINED` is optimised for."""
    return str(config_of(name).objective)  # type: ignore[attr-defined]


def config_of(name: str, **changes: Any) -> Block:
    """The method's block with a few steps and visible rates."""
    config = method_of(name).Config
    ways = {"by reward": {"objective": "reinforce"}, "by likelihood": {"objective": "next_token"}}
    small: dict[str, Any] = {"steps": 4, "learning_rate": 0.05, "length": 4, "rank": 2, "alpha": 4.0, "clip": 1.0}
    small |= {**ways.get(name.partition(" ")[2], {}), **changes}
    return config(**{key: value for key, value in small.items() if key in config.model_fields})


class TinyPrompts:
    """Prompts of tiny examples, with others before them."""

    def __call__(self, doc: dict[str, Any], exemplars: Sequence[dict[str, Any]] = ()) -> str:
        return "".join(self.exemplar(each) for each in exemplars) + str(doc["prompt"])

    def exemplar(self, doc: dict[str, Any]) -> str:
        return f"{doc['prompt']} {doc['target']} w0 "


def tiny_set(role: str, rows: tuple[Any, ...]) -> TrainingSet:
    return TrainingSet(role, None, rows, TinyPrompts())  # type: ignore[arg-type]


def selected_by(score: Callable[[AdaptedModel], float], role: str = "rte") -> Callable[[Answering], float]:
    """A selection that looks at what answers one role."""

    def selection(answering: Answering) -> float:
        with answering(role) as current:
            return score(current)

    return selection


def parents_of(name: str, backbone: Backbone, targets: tuple[str, ...] = ("rte",)) -> tuple[Artifact, ...]:
    """Artifacts as the method's prerequisites would leave them."""
    needed = method_of(name).prerequisites(config_of(name), targets)
    if [each.method for each in needed] == ["ia3"]:
        return (ia3_vectors(backbone),)
    assert all(each.method == "prompt_tuning" for each in needed), "make the new prerequisite's artifact here"
    generator = torch.Generator().manual_seed(5)
    return tuple(SoftPrompt(torch.randn(4, backbone.width, generator=generator)) for _ in needed)


def ia3_vectors(backbone: Backbone) -> Adapter:
    """An IA³ that scales by up to a fifth."""
    from peft import IA3Config

    settings = IA3Config()
    choose_targets(settings, backbone.model)
    with injected(backbone.model, settings):
        state = adapter_state(backbone.model)
    generator = torch.Generator().manual_seed(5)
    moved = {name: each + 0.2 * torch.rand(each.shape, generator=generator) for name, each in state.items()}
    return Adapter(moved, config_as_json(settings))


def lengths(adapted: AdaptedModel) -> float:
    """A selection score that depends on the model: a hash of the answer to a fixed input."""
    backbone = adapted.backbone
    ids = torch.tensor([[7, 8, 9]])
    embeds, _ = adapted.embed(ids, torch.ones_like(ids), side="left")
    extra = {"decoder_input_ids": ids} if backbone.shape == "encoder-decoder" else {}
    output = adapted.model(inputs_embeds=embeds, **extra, **adapted.prefix_inputs(1))
    return float(output.logits.double().sum().abs() % 100)


def tiny_answers(
    adapted: AdaptedModel, target: TrainingSet, examples: Sequence[Example], sampling: Sampling
) -> list[Rollout]:
    """Answers of up to three tokens; right is any that begins with the target, near is the other label."""
    backbone = adapted.backbone
    prompts = [tuple(encode_prompt(backbone, example.prompt)) for example in examples]
    generator = torch.Generator().manual_seed(sampling.seed)
    sampler = greedy if sampling.temperature is None else temperature_sampler(sampling.temperature, generator)
    stops = Stops(backbone.tokenizer, ())
    said = decode(adapted, prompts, max_new_tokens=sampling.max_new_tokens or 3, stops=stops, sampler=sampler)
    rollouts = []
    for prompt, each, example in zip(prompts, said, examples, strict=True):
        text = backbone.tokenizer.decode(each.tokens, skip_special_tokens=True).strip()
        value = 100.0 if text.startswith(example.target) else 50.0 if text.startswith(("True", "False")) else 0.0
        rollouts.append(Rollout(prompt, (*each.tokens, *([] if each.end is None else [each.end])), value))
    return rollouts


def job_for(name: str, backbone: Backbone, folder: Path, **changes: Any) -> Job:
    sets = changes.get("examples") or (tiny_set("rte", tiny_examples(20)),)
    parents = changes.get("parents")
    if parents is None:
        parents = parents_of(name, backbone, tuple(each.role for each in sets))
    usual: dict[str, Any] = {
        "backbone": backbone, "examples": sets, "selection": selected_by(lengths),
        "roll_out": tiny_answers,
        "budget": Terms(), "selection_rule": Rule(), "seed": 0, "parents": parents,
        "checkpoint": folder, "log": Memory(),
    }  # fmt: skip
    return Job(**{**usual, **changes})
