"""BOFT: an orthogonal rotation of each matrix, as a product of butterfly factors (Liu et al., ICLR 2024); PEFT's code.

Deviations: none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from suite.methods import Family, lora
from suite.training.config import Count, Optimisation, Positive, Schedule
from suite.training.requirements import Requirements, named_matrices, optimisation_requirements

if TYPE_CHECKING:
    from suite.training.job import Job, Trained

FAMILY: Final[Family] = "adapter"
VERSION: Final = 1
TRAINS: Final = True
prerequisites, stack = lora.prerequisites, lora.stack


class Config(Optimisation):
    """Settings of BOFT."""

    steps: Count = 500
    """Optimiser steps; each takes one batch of the track's size."""
    learning_rate: Positive = 1e-3
    """Peak learning rate."""
    schedule: Schedule = "linear"
    """Learning-rate schedule after the warm-up: constant, linear decay to 0, or cosine decay to 0."""
    block: Count = 4
    """Width of an orthogonal block; it must divide the width of every rotated matrix."""
    factors: Count = 1
    """Number of butterfly factors."""
    target_modules: tuple[str, ...] | Literal["all-linear"] | None = None
    """Names of the matrices (`q_proj`), or all linear ones; null: as for LoRA."""


def requirements(config: Config) -> Requirements:
    """The named matrices, and gradient steps."""
    named, usual = named_matrices(config.target_modules), config.target_modules is None
    return optimisation_requirements(
        config, matrices=named, full_weights=True, adapter="BOFT", usual_maps=usual, sharding="base"
    )


def train(config: Config, job: Job) -> Trained:
    """Train an injected adapter, then remove it from the model."""
    from peft import BOFTConfig

    from suite.training.adapters import modules, train_adapter

    chosen = modules(config.target_modules)
    made = BOFTConfig(boft_block_size=config.block, boft_n_butterfly_factor=config.factors, target_modules=chosen)
    return train_adapter(config, job, made)
