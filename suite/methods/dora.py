"""DoRA: a low-rank update of each matrix's direction and a separate magnitude (Liu et al., ICML 2024); PEFT's code.

Deviations: none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from suite.methods import Family, lora

if TYPE_CHECKING:
    from suite.training.job import Job, Trained

FAMILY: Final[Family] = "adapter"
VERSION: Final = 1
TRAINS: Final = True
prerequisites, stack, requirements = lora.prerequisites, lora.stack, lora.requirements


class Config(lora.Config):
    """Settings of DoRA: those of LoRA."""


def train(config: Config, job: Job) -> Trained:
    """Train an injected adapter, then remove it from the model."""
    from suite.training.adapters import train_lora

    return train_lora(config, job, use_dora=True)
