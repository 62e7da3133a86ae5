"""PiSSA: LoRA that starts from a matrix's largest singular triplets (Meng et al., NeurIPS 2024); PEFT's code.

The frozen part is the matrix without those triplets. The artifact is the difference from the base: a plain LoRA of
twice the rank, so that the base stays unchanged. Deviations: none.
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
    """Settings of PiSSA: those of LoRA."""


def requirements(config: Config) -> Requirements:
    """Those of LoRA, and weights that can be decomposed."""
    return replace(lora.requirements(config), full_weights=True)


def train(config: Config, job: Job) -> Trained:
    """Train an injected adapter, then remove it from the model."""
    from suite.training.adapters import train_lora

    return train_lora(config, job, init_lora_weights="pissa")
