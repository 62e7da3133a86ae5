"""The base model as it is: nothing is trained, and every task is answered without anything put on it."""

from __future__ import annotations

from typing import Final

from suite.core.block import Block
from suite.methods import Family, Part, Prerequisite
from suite.training.requirements import Requirements

FAMILY: Final[Family] = "none"
VERSION: Final = 1
TRAINS: Final = False


class Config(Block):
    """The base model has no settings."""


def prerequisites(config: Config, targets: tuple[str, ...]) -> tuple[Prerequisite, ...]:
    """None."""
    return ()


def stack(config: Config, role: str, targets: tuple[str, ...]) -> tuple[Part, ...]:
    """Empty for every task."""
    return ()


def requirements(config: Config) -> Requirements:
    """Nothing."""
    return Requirements()


train: Final = None
"""A plan has no such step."""
