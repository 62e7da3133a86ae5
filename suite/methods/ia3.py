"""IA³: vectors that scale keys, values and the hidden layer of each MLP (Liu et al., NeurIPS 2022); PEFT's code.

Deviations: none in the procedure. The paper's two further losses (unlikelihood and length-normalised) are left out.
Where PEFT has no choice of maps for an architecture, those with the usual names are scaled, or else all linear ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from suite.methods import Family, lora
from suite.training.config import Count, Optimisation, Positive, Schedule
from suite.training.requirements import Requirements, optimisation_requirements

if TYPE_CHECKING:
    from suite.training.job import Job, Trained

FAMILY: Final[Family] = "adapter"
VERSION: Final = 1
TRAINS: Final = True
prerequisites, stack = lora.prerequisites, lora.stack


class Config(Optimisation):
    """Settings of IA³."""

    steps: Count = 500
    """Optimiser steps; each takes one batch of the track's size."""
    learning_rate: Positive = 3e-3
    """Peak learning rate (the paper's)."""
    schedule: Schedule = "linear"
    """Learning-rate schedule after the warm-up: constant, linear decay to 0, or cosine decay to 0."""


def requirements(config: Config) -> Requirements:
    """Gradient steps."""
    return optimisation_requirements(config, adapter="IA3", usual_maps=True, sharding="base")


def train(config: Config, job: Job) -> Trained:
    """Train an injected adapter, then remove it from the model."""
    from peft import IA3Config

    from suite.training.adapters import train_adapter

    return train_adapter(config, job, IA3Config())
