"""Joint tuning of a soft prompt and all weights, in one stage (an ablation of ProMoT, Wang et al., ICLR 2024).

The prompt is removed for other tasks, as in ProMoT. Unlike in ProMoT, it is not trained for the format before the
weights are. Deviations: none known. Prompt and weights share one optimiser and learning rate, and all targets share one
prompt.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from suite.methods import SELF, Family, OwnPart, Part, Prerequisite
from suite.training.config import Count, Positive, Schedule, WeightOptimisation
from suite.training.requirements import Requirements, optimisation_requirements

if TYPE_CHECKING:
    from suite.training.job import Job, Trained

FAMILY: Final[Family] = "full"
VERSION: Final = 1
TRAINS: Final = True


class Config(WeightOptimisation):
    """Settings of joint tuning."""

    steps: Count = 500
    """Optimiser steps; each takes one batch of the track's size."""
    learning_rate: Positive = 5e-5
    """Peak learning rate of prompt and weights."""
    schedule: Schedule = "linear"
    """Learning-rate schedule after the warm-up: constant, linear decay to 0, or cosine decay to 0."""
    length: Count = 20
    """Number of soft vectors; each takes one position of the input."""
    init: Literal["vocab", "labels", "random"] = "vocab"
    """Initial values, as for prompt tuning."""


def prerequisites(config: Config, targets: tuple[str, ...]) -> tuple[Prerequisite, ...]:
    """This method has no prerequisites."""
    return ()


def stack(config: Config, role: str, targets: tuple[str, ...]) -> tuple[Part, ...]:
    """Prompt and weights for the targets; the weights alone for other tasks."""
    if role in targets:
        return (SELF,)
    # older stores have this step under the name of a separate method
    return (OwnPart("weights", {"name": "joint_weights", "version": 1, "joint": config.model_dump(mode="json")}),)


def requirements(config: Config) -> Requirements:
    """Positions for the soft vectors, and gradient steps."""
    return optimisation_requirements(config, reserved_positions=config.length, full_weights=True, sharding="weights")


def train(config: Config, job: Job) -> Trained:
    """Train prompt and weights together."""
    from suite.training.data.labels import labels_of
    from suite.training.prompts import FlatPrompt, start_vectors
    from suite.training.weights import train_weights

    labels = labels_of(job.examples) if config.init == "labels" else ()
    start = start_vectors(job.backbone, config.length, config.init, job.seed, labels)
    return train_weights(config, job, joint=FlatPrompt(job.backbone, start))
