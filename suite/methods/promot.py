"""ProMoT: prompt tuning, then model tuning with the prompt frozen (Wang et al., ICLR 2024).

The first stage is the prompt-tuning run of the same settings and seed, one for each target. In the second all weights
are trained with the target's prompt standing before every input, so that the format goes into the prompt. Targets are
answered with prompt and weights, every other task with the weights alone. The paper's ablations put something else in
the prompt's place: a prompt that is not trained, an exemplar as text (`fixed_prompt`), or a LoRA. Deviations: settings
are the track's (the paper's are in the tracks for its models).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, Literal

from pydantic import Discriminator, Tag

from suite.core.errors import StepFailed, SuiteError
from suite.methods import SELF, Family, Part, Prerequisite, fixed_prompt, get, lora, prompt_tuning
from suite.training.config import Count, Optimisation, Positive, Schedule
from suite.training.requirements import Requirements, optimisation_requirements

if TYPE_CHECKING:
    from suite.training.job import Job, Trained

FAMILY: Final[Family] = "two-stage"
VERSION: Final = 2
TRAINS: Final = True


class PromptStage(prompt_tuning.Config):
    """A first stage by prompt tuning."""

    name: Literal["prompt_tuning"] = "prompt_tuning"
    """The method."""


class FixedStage(fixed_prompt.Config):
    """A prompt that is not trained, in the first stage's place."""

    name: Literal["fixed_prompt"] = "fixed_prompt"
    """The method."""


class LoraStage(lora.Config):
    """A first stage by LoRA."""

    name: Literal["lora"] = "lora"
    """The method."""


def _prompt_unless_named(block: Any) -> str:
    name = block.get("name", "prompt_tuning") if isinstance(block, Mapping) else getattr(block, "name", "")
    return f"<{name}>"


StageOne = Annotated[
    Annotated[PromptStage, Tag("<prompt_tuning>")]
    | Annotated[FixedStage, Tag("<fixed_prompt>")]
    | Annotated[LoraStage, Tag("<lora>")],
    Discriminator(_prompt_unless_named),
]


class Config(Optimisation):
    """Settings of the second stage, and of the first one under `stage_one`."""

    INHERITS: ClassVar[dict[str, str]] = {"stage_one": "prompt_tuning"}

    steps: Count = 500
    """Optimiser steps of the second stage; each takes one batch of the track's size."""
    learning_rate: Positive = 5e-5
    """Peak learning rate of the second stage."""
    schedule: Schedule = "linear"
    """What the rate does after the warm-up: stays, falls linearly to 0, or falls along half a cosine to 0."""
    stage_one: StageOne = PromptStage()
    """What takes up the format and is removed for other tasks: `{name: prompt_tuning | fixed_prompt | lora, …}` with
    that method's settings, prompt tuning if no name is given; what is left out is as on the same track."""


def prerequisites(config: Config, targets: tuple[str, ...]) -> tuple[Prerequisite, ...]:
    """The first stage of each target. Raises SuiteError for a LoRA before several: one input has one adapter."""
    if config.stage_one.name == "lora" and len(targets) > 1:
        raise SuiteError("method.stage_one: a LoRA is for one target", fix="name one, or tune a prompt for each")
    first = config.stage_one
    return tuple(Prerequisite(first.name, first, (target,), field=("stage_one",)) for target in targets)


def stack(config: Config, role: str, targets: tuple[str, ...]) -> tuple[Part, ...]:
    """What the target's first stage left and the weights; the weights alone elsewhere."""
    return (targets.index(role), SELF) if role in targets else (SELF,)


def requirements(config: Config) -> Requirements:
    """Positions for the first stage's prompt, which stands before the inputs of the second, too; gradient steps."""
    first = get(config.stage_one.name).requirements(config.stage_one)
    return optimisation_requirements(config, reserved_positions=first.reserved_positions)


def train(config: Config, job: Job) -> Trained:
    """Train the weights behind what the first stages left, which are the parents' artifacts, frozen."""
    from suite.training.weights import train_weights

    before_text = all(parent.only_before_text for parent in job.parents)
    if len(job.parents) != (len(job.examples) if before_text else 1):
        raise StepFailed("promot builds on a soft prompt for each target, or on one adapter")
    return train_weights(config, job, frozen=job.parents)
