"""ProMoT: prompt tuning, then model tuning with the prompt frozen (Wang et al., ICLR 2024).

The first stage is the prompt-tuning run of the same settings and seed. In the second all weights are trained with the
prompt standing before every input, so that the format goes into the prompt. Targets are answered with prompt and
weights, every other task with the weights alone. Deviations: settings are the track's (the paper's are in the tracks
for its models); with several targets there is one prompt for all of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from suite.errors import StepFailed
from suite.methods import SELF, Family, Part, Prerequisite, prompt_tuning
from suite.training.config import Count, Optimisation, Positive, Schedule

if TYPE_CHECKING:
    from suite.training.job import Job, Trained

FAMILY: Final[Family] = "two-stage"
VERSION: Final = 1
TRAINS: Final = True


class Config(Optimisation):
    """Settings of the second stage, and of the first one under `prompt`."""

    INHERITS: ClassVar[dict[str, str]] = {"prompt": "prompt_tuning"}

    steps: Count = 500
    """Optimiser steps of the second stage; each takes one batch of the track's size."""
    learning_rate: Positive = 5e-5
    """Peak learning rate of the second stage."""
    schedule: Schedule = "linear"
    """What the rate does after the warm-up: stays, falls linearly to 0, or falls along half a cosine to 0."""
    prompt: prompt_tuning.Config = prompt_tuning.Config()
    """The first stage; what is left out is as for `prompt_tuning` on the same track."""


def prerequisites(config: Config, targets: tuple[str, ...]) -> tuple[Prerequisite, ...]:
    """The prompt, tuned on the same targets."""
    return (Prerequisite("prompt_tuning", config.prompt, targets),)


def stack(config: Config, role: str, targets: tuple[str, ...]) -> tuple[Part, ...]:
    """Prompt and weights for the targets; the weights alone elsewhere."""
    return (0, SELF) if role in targets else (SELF,)


def train(config: Config, job: Job) -> Trained:
    """Train the weights behind the frozen prompt, which is the parent's artifact."""
    from suite.models.artifact import SoftPrompt
    from suite.training.weights import train_weights

    prompts = [parent for parent in job.parents if isinstance(parent, SoftPrompt)]
    if len(job.parents) != 1 or len(prompts) != 1:
        raise StepFailed("promot builds on one soft prompt")
    return train_weights(config, job, prompt=prompts[0].vectors)
