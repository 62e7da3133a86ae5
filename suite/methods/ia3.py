"""IA³: vectors that scale keys, values and the hidden layer of each MLP (Liu et al., NeurIPS 2022), as PEFT has it.

Deviations: none in the procedure; the paper adds two losses (unlikelihood and length-normalised) that are left out.
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
    """What the rate does after the warm-up: stays, falls linearly to 0, or falls along half a cosine to 0."""


def requirements(config: Config) -> Requirements:
    """Gradient steps."""
    return optimisation_requirements(config)


def train(config: Config, job: Job) -> Trained:
    """Train an injected adapter; it is removed afterwards."""
    from peft import IA3Config

    from suite.training.adapters import train_adapter

    return train_adapter(config, job, IA3Config())
