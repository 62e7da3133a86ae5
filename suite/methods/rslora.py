"""Rank-stabilised LoRA: scaled by alpha / √rank, so that larger ranks still learn (Kalajdzievski 2023); PEFT's code.

Deviations: none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from suite.methods import Family, lora
from suite.training.config import Positive

if TYPE_CHECKING:
    from suite.training.job import Job, Trained

FAMILY: Final[Family] = "adapter"
VERSION: Final = 1
TRAINS: Final = True
prerequisites, stack, requirements = lora.prerequisites, lora.stack, lora.requirements


class Config(lora.Config):
    """Settings of rsLoRA: those of LoRA, with another scale."""

    alpha: Positive = 8.0
    """The update is scaled by alpha / √rank."""


def train(config: Config, job: Job) -> Trained:
    """Train an injected adapter, then remove it from the model."""
    from suite.training.adapters import train_lora

    return train_lora(config, job, use_rslora=True)
