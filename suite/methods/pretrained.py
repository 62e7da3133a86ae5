"""The pretrained model without training: every task is answered by the base model alone."""

from __future__ import annotations

from typing import Final

from suite.core.block import Block
from suite.methods import Family, Part, Prerequisite
from suite.training.requirements import Requirements

FAMILY: Final[Family] = "none"
VERSION: Final = 1
TRAINS: Final = False


class Config(Block):
    """The pretrained model has no settings."""


def prerequisites(config: Config, targets: tuple[str, ...]) -> tuple[Prerequisite, ...]:
    """This method has no prerequisites."""
    return ()


def stack(config: Config, role: str, targets: tuple[str, ...]) -> tuple[Part, ...]:
    """Empty for every task."""
    return ()


def requirements(config: Config) -> Requirements:
    """Nothing."""
    return Requirements()


train: Final = None
"""A plan has no train step of this method."""
