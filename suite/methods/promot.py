"""ProMoT: prompt tuning, then model tuning with the prompt frozen (Wang et al., ICLR 2024).

The first stage is the prompt-tuning run with the same settings and seed, one for each target. The second stage trains
all weights with the target's prompt before every input, so that the prompt holds the format. Prompt and weights answer
the targets; the weights alone answer every other task. The paper's ablations replace the prompt by an untrained prompt,
an exemplar as text (`fixed_prompt`), or a LoRA. Deviations: settings are the track's (the tracks for the paper's models
have the paper's settings).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, Literal

from pydantic import Discriminator, Tag

from suite.core.errors import StepFailed, SuiteError
from suite.methods import SELF, Family, Part, Prerequisite, fixed_prompt, get, lora, prompt_tuning
from suite.training.config import Count, Positive, Schedule, WeightOptimisation
from suite.training.requirements import Requirements, optimisation_requirements

if TYPE_CHECKING:
    from suite.training.job import Job, Trained

FAMILY: Final[Family] = "two-stage"
VERSION: Final = 2
TRAINS: Final = True


class PromptStage(prompt_tuning.Config):
    """A first stage by prompt tuning."""

    name: Literal["prompt_tuning"] = "prompt_tuning"
    """Name of the method."""


class FixedStage(fixed_prompt.Config):
    """An untrained prompt in place of the first stage."""

    name: Literal["fixed_prompt"] = "fixed_prompt"
    """Name of the method."""


class LoraStage(lora.Config):
    """A first stage by LoRA."""

    name: Literal["lora"] = "lora"
    """Name of the method."""


def _prompt_unless_named(block: Any) -> str:
    name = block.get("name", "prompt_tuning") if isinstance(block, Mapping) else getattr(block, "name", "")
    return f"<{name}>"


StageOne = Annotated[
    Annotated[PromptStage, Tag("<prompt_tuning>")]
    | Annotated[FixedStage, Tag("<fixed_prompt>")]
    | Annotated[LoraStage, Tag("<lora>")],
    Discriminator(_prompt_unless_named),
]


class Config(WeightOptimisation):
    """Settings of the second stage, and of the first one under `stage_one`."""

    INHERITS: ClassVar[dict[str, str]] = {"stage_one": "prompt_tuning"}

    steps: Count = 500
    """Optimiser steps of the second stage; each takes one batch of the track's size."""
    learning_rate: Positive = 5e-5
    """Peak learning rate of the second stage."""
    schedule: Schedule = "linear"
    """Learning-rate schedule after the warm-up: constant, linear decay to 0, or cosine decay to 0."""
    stage_one: StageOne = PromptStage()
    """The first stage, which is to learn the format and is removed for other tasks: `{name: prompt_tuning |
    fixed_prompt | lora, …}` with that method's settings; prompt tuning if no name is given. Defaults come from the
    track's settings of that method."""


def prerequisites(config: Config, targets: tuple[str, ...]) -> tuple[Prerequisite, ...]:
    """The first stage of each target. Raises SuiteError for a LoRA with several targets: an input has one adapter."""
    if config.stage_one.name == "lora" and len(targets) > 1:
        raise SuiteError("method.stage_one: a LoRA is for one target", fix="name one, or tune a prompt for each")
    first = config.stage_one
    return tuple(Prerequisite(first.name, first, (target,), field=("stage_one",)) for target in targets)


def stack(config: Config, role: str, targets: tuple[str, ...]) -> tuple[Part, ...]:
    """The target's first stage and the weights; the weights alone for other tasks."""
    return (targets.index(role), SELF) if role in targets else (SELF,)


def requirements(config: Config) -> Requirements:
    """Gradient steps, and positions for the first stage's prompt, which also precedes the inputs of the second
    stage."""
    first = get(config.stage_one.name).requirements(config.stage_one)
    return optimisation_requirements(
        config, reserved_positions=first.reserved_positions, full_weights=True, sharding="weights"
    )


def train(config: Config, job: Job) -> Trained:
    """Train the weights with the frozen artifacts of the first stages (the parents) in effect."""
    from suite.training.weights import train_weights

    before_text = all(parent.only_before_text for parent in job.parents)
    if len(job.parents) != (len(job.examples) if before_text else 1):
        raise StepFailed("promot builds on a soft prompt for each target, or on one adapter")
    return train_weights(config, job, frozen=job.parents)
