"""Jobs for methods on tiny models."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from suite import methods
from suite.block import Block
from suite.models.artifact import Artifact, SoftPrompt
from suite.models.backbone import Backbone
from suite.models.stack import Stacked
from suite.training.job import Job, TrainingSet
from tests.models.tiny_budget import Memory
from tests.models.tiny_models import tiny_examples

TRAINED = tuple(name for name in methods.names() if methods.get(name).TRAINS)


@dataclass(frozen=True)
class Terms:
    batch_size: int = 4
    max_length: int = 64
    micro_batch: int | None = None


@dataclass(frozen=True)
class Rule:
    every: int | None = 2
    stop_at_score: float | None = None


def config_of(name: str, **changes: Any) -> Block:
    """The method's block with a few steps and visible rates."""
    fields = methods.get(name).Config.model_fields
    small: dict[str, Any] = {"steps": 4, "learning_rate": 0.05, "length": 4, "rank": 2, "alpha": 4.0, **changes}
    return methods.get(name).Config(**{key: value for key, value in small.items() if key in fields})


def parents_of(name: str, backbone: Backbone) -> tuple[Artifact, ...]:
    """Artifacts as the method's prerequisites would leave them."""
    needed = methods.get(name).prerequisites(config_of(name), ("rte",))
    assert all(each.method == "prompt_tuning" for each in needed), "make the new prerequisite's artifact here"
    generator = torch.Generator().manual_seed(5)
    return tuple(SoftPrompt(torch.randn(4, backbone.width, generator=generator)) for _ in needed)


def lengths(stacked: Stacked) -> float:
    """A selection score that depends on the model: a hash of the answer to a fixed input."""
    backbone = stacked.backbone
    ids = torch.tensor([[7, 8, 9]])
    embeds, mask = stacked.embed(ids, torch.ones_like(ids), side="left")
    extra = {"decoder_input_ids": ids} if backbone.shape == "encoder-decoder" else {}
    return float(stacked.model(inputs_embeds=embeds, attention_mask=mask, **extra).logits.double().sum().abs() % 100)


def job_for(name: str, backbone: Backbone, folder: Path, **changes: Any) -> Job:
    usual: dict[str, Any] = {
        "backbone": backbone, "examples": (TrainingSet("rte", None, tiny_examples(20)),), "selection": lengths,
        "budget": Terms(), "selection_rule": Rule(), "seed": 0, "parents": parents_of(name, backbone),
        "checkpoint": folder, "log": Memory(),
    }  # fmt: skip
    return Job(**{**usual, **changes})
