"""A part of `joint_tuning`, not a row by itself: its weights without the prompt, as other tasks are answered.

Nothing is trained.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from suite.core.block import Block
from suite.methods import SELF, Family, Part, Prerequisite, joint_tuning
from suite.training.requirements import Requirements

if TYPE_CHECKING:
    from suite.training.job import Job, Trained

FAMILY: Final[Family] = "full"
VERSION: Final = 1
TRAINS: Final = True


class Config(Block):
    """Which joint tuning."""

    joint: joint_tuning.Config
    """Its settings."""


def prerequisites(config: Config, targets: tuple[str, ...]) -> tuple[Prerequisite, ...]:
    """The joint tuning."""
    return (Prerequisite("joint_tuning", config.joint, targets, field=("joint",)),)


def stack(config: Config, role: str, targets: tuple[str, ...]) -> tuple[Part, ...]:
    """The weights, for every task."""
    return (SELF,)


def requirements(config: Config) -> Requirements:
    """Nothing: nothing is trained."""
    return Requirements()


def train(config: Config, job: Job) -> Trained:
    """Leave the prompt out."""
    from suite.training.job import Trained
    from suite.training.loop import Fit

    (parent,) = job.parents
    return Trained(parent.part("weights"), Fit({}, 0, None, 0, 0, ()), 0)
