"""DoRA: a low-rank update of each matrix's direction and a separate magnitude (Liu et al., ICML 2024); PEFT's code.

Deviations: none. A base in 4 or 8 bits is refused: PEFT replaces its weights on a CPU.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from suite.methods import Family, lora
from suite.training.requirements import Requirements

if TYPE_CHECKING:
    from suite.training.job import Job, Trained

FAMILY: Final[Family] = "adapter"
VERSION: Final = 1
TRAINS: Final = True
prerequisites, stack = lora.prerequisites, lora.stack


class Config(lora.Config):
    """Settings of DoRA: those of LoRA."""


def requirements(config: Config) -> Requirements:
    """Those of LoRA, and weights that PEFT can read without replacing them."""
    return replace(lora.requirements(config), full_weights=True)


def train(config: Config, job: Job) -> Trained:
    """Train an injected adapter, then remove it from the model."""
    from suite.training.adapters import train_lora

    return train_lora(config, job, use_dora=True)
