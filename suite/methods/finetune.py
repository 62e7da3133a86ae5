"""Standard fine-tuning: all of the model's parameters, next-token loss on the target's answers.

The baseline of ProMoT (Wang et al., ICLR 2024, "standard fine-tuning"). Deviations: none in the procedure. Optimiser
and learning rate are settings; the tracks have the paper's values. The artifact holds the changed tensors; tied tensors
are stored once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from suite.methods import SELF, Family, Part, Prerequisite
from suite.training.config import Count, Positive, Schedule, WeightOptimisation
from suite.training.requirements import Requirements, optimisation_requirements

if TYPE_CHECKING:
    from suite.training.job import Job, Trained

FAMILY: Final[Family] = "full"
VERSION: Final = 1
TRAINS: Final = True


class Config(WeightOptimisation):
    """Settings of fine-tuning all parameters."""

    steps: Count = 500
    """Optimiser steps; each takes one batch of the track's size."""
    learning_rate: Positive = 5e-5
    """Peak learning rate."""
    schedule: Schedule = "linear"
    """Learning-rate schedule after the warm-up: constant, linear decay to 0, or cosine decay to 0."""


def prerequisites(config: Config, targets: tuple[str, ...]) -> tuple[Prerequisite, ...]:
    """This method has no prerequisites."""
    return ()


def stack(config: Config, role: str, targets: tuple[str, ...]) -> tuple[Part, ...]:
    """The trained weights, for every task."""
    return (SELF,)


def requirements(config: Config) -> Requirements:
    """Gradient steps."""
    return optimisation_requirements(config, full_weights=True, sharding="weights")


def train(config: Config, job: Job) -> Trained:
    """Train all parameters, then restore the backbone's own."""
    from suite.training.weights import train_weights

    return train_weights(config, job)
