"""Norm tuning: only the gains of the normalisation layers are trained (after Zhao et al., ICLR 2024).

Deviations: none known; the paper tunes multi-modal models.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from suite.methods import Family, lora
from suite.training.config import Count, Optimisation, Positive
from suite.training.requirements import Requirements, optimisation_requirements

if TYPE_CHECKING:
    from suite.training.job import Job, Trained

FAMILY: Final[Family] = "full"
VERSION: Final = 1
TRAINS: Final = True
prerequisites, stack = lora.prerequisites, lora.stack


class Config(Optimisation):
    """Settings of norm tuning."""

    steps: Count = 200
    """Optimiser steps; each takes one batch of the track's size."""
    learning_rate: Positive = 1e-3
    """Peak learning rate."""


def requirements(config: Config) -> Requirements:
    """Gradient steps."""
    return optimisation_requirements(config)


def train(config: Config, job: Job) -> Trained:
    """Train the gains; the model's own are put back afterwards."""
    from suite.training.weights import train_weights

    return train_weights(config, job, only=lambda name: "norm" in name)
