"""LoRA: low-rank updates of some matrices, the model frozen (Hu et al., ICLR 2022); PEFT's code.

Deviations: none; `dropout` applies to the adapter's inputs (and to the model's own dropout) in training.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from suite.methods import SELF, Family, Part, Prerequisite
from suite.training.config import Count, Optimisation, Positive, Schedule
from suite.training.requirements import Requirements, named_matrices, optimisation_requirements

if TYPE_CHECKING:
    from suite.training.job import Job, Trained

FAMILY: Final[Family] = "adapter"
VERSION: Final = 1
TRAINS: Final = True


class Config(Optimisation):
    """Settings of LoRA."""

    steps: Count = 500
    """Optimiser steps; each takes one batch of the track's size."""
    learning_rate: Positive = 5e-4
    """Peak learning rate."""
    schedule: Schedule = "linear"
    """Learning-rate schedule after the warm-up: constant, linear decay to 0, or cosine decay to 0."""
    rank: Count = 16
    """Rank of the update of each matrix."""
    alpha: Positive = 32.0
    """The update is scaled by alpha / rank."""
    target_modules: tuple[str, ...] | Literal["all-linear"] | None = None
    """Names of the matrices (`q_proj`), or all linear ones; null: PEFT's choice for the architecture (often q
    and v), or all linear ones where it has none."""


def prerequisites(config: Config, targets: tuple[str, ...]) -> tuple[Prerequisite, ...]:
    """This method has no prerequisites."""
    return ()


def stack(config: Config, role: str, targets: tuple[str, ...]) -> tuple[Part, ...]:
    """The adapter, for every task."""
    return (SELF,)


def requirements(config: Config) -> Requirements:
    """The named matrices, and gradient steps."""
    named = named_matrices(config.target_modules)
    usual = config.target_modules is None
    return optimisation_requirements(
        config, matrices=named, rank=config.rank, adapter="LORA", usual_maps=usual, sharding="base"
    )


def train(config: Config, job: Job) -> Trained:
    """Train an injected adapter, then remove it from the model."""
    from suite.training.adapters import train_lora

    return train_lora(config, job)
