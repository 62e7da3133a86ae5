"""The base model as it is: nothing is trained, and every task is answered without anything put on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from suite.block import Block
from suite.errors import StepFailed
from suite.methods import Family, Part, Prerequisite

if TYPE_CHECKING:
    from suite.training.job import Job, Trained

FAMILY: Final[Family] = "none"
VERSION: Final = 1
TRAINS: Final = False


class Config(Block):
    """The base model has no settings."""


def prerequisites(config: Config, targets: tuple[str, ...]) -> tuple[Prerequisite, ...]:
    """None."""
    return ()


def stack(role: str, targets: tuple[str, ...]) -> tuple[Part, ...]:
    """Empty for every task."""
    return ()


def train(config: Config, job: Job) -> Trained:
    """Refuses: a plan has no such step."""
    raise StepFailed("the pretrained model is not trained")
