"""Joint tuning of a soft prompt and all weights, in one stage (an ablation of ProMoT, Wang et al., ICLR 2024).

The prompt is removed for other tasks, as ProMoT's is, but it did not take up the format before the weights were
trained. Deviations: none known; prompt and weights share one optimiser and rate, and with several targets there is one
prompt for all of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from suite.methods import SELF, Family, OwnPart, Part, Prerequisite
from suite.training.config import Count, Optimisation, Positive, Schedule
from suite.training.requirements import Requirements, optimisation_requirements

if TYPE_CHECKING:
    from suite.training.job import Job, Trained

FAMILY: Final[Family] = "full"
VERSION: Final = 1
TRAINS: Final = True


class Config(Optimisation):
    """Settings of joint tuning."""

    steps: Count = 500
    """Optimiser steps; each takes one batch of the track's size."""
    learning_rate: Positive = 5e-5
    """Peak learning rate, of prompt and weights."""
    schedule: Schedule = "linear"
    """What the rate does after the warm-up: stays, falls linearly to 0, or falls along half a cosine to 0."""
    length: Count = 20
    """Soft vectors; they take as many of the input's positions."""
    init: Literal["vocab", "labels", "random"] = "vocab"
    """First values, as for prompt tuning."""


def prerequisites(config: Config, targets: tuple[str, ...]) -> tuple[Prerequisite, ...]:
    """None."""
    return ()


def stack(config: Config, role: str, targets: tuple[str, ...]) -> tuple[Part, ...]:
    """Prompt and weights for the targets; the weights alone elsewhere."""
    if role in targets:
        return (SELF,)
    # stores of before have this step under the name of a method of its own
    return (OwnPart("weights", {"name": "joint_weights", "version": 1, "joint": config.model_dump(mode="json")}),)


def requirements(config: Config) -> Requirements:
    """Positions for the soft vectors, and gradient steps."""
    return optimisation_requirements(config, reserved_positions=config.length)


def train(config: Config, job: Job) -> Trained:
    """Train prompt and weights together."""
    from suite.training.data.labels import labels_of
    from suite.training.prompts import FlatPrompt, start_vectors
    from suite.training.weights import train_weights

    labels = labels_of(job.examples) if config.init == "labels" else ()
    start = start_vectors(job.backbone, config.length, config.init, job.seed, labels)
    return train_weights(config, job, joint=FlatPrompt(job.backbone, start))
