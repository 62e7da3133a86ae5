"""Tuning on the few examples of a task that a mixture is searched on: what Transformer² is to be compared with.

The paper tunes IA³ on 3 to 20 examples for 100 and for 1,000 updates (table of IA³ on few-shot ARC-Challenge). Each
task, target or held-out, has a tuning of its own. Nothing else of the experiment is trained.
"""

from __future__ import annotations

from typing import ClassVar, Final

from suite.block import Block
from suite.methods import Family, Part, Prerequisite
from suite.methods._experts import Ia3Expert, Tuner
from suite.training.config import Count

FAMILY: Final[Family] = "adapter"
VERSION: Final = 1
TRAINS: Final = True


class Config(Block):
    """Settings of tuning on a few examples."""

    INHERITS: ClassVar[dict[str, str]] = {"tuner": "ia3"}

    tuner: Tuner = Ia3Expert()
    """What is tuned, and how; what is left out is as for its method on the same track."""
    shots: Count = 10
    """Examples of a task to tune on: those of its training split that a mixture would be searched on."""


def prerequisites(config: Config, targets: tuple[str, ...]) -> tuple[Prerequisite, ...]:
    """None: each task has its own."""
    return ()


def stack(config: Config, role: str, targets: tuple[str, ...]) -> tuple[Part, ...]:
    """What was tuned on this role's examples."""
    # no checkpoint is chosen: the rows held out for that would be more examples
    tuner = config.tuner.model_copy(update={"examples": config.shots, "select_every": config.tuner.steps})
    return (Prerequisite(tuner.name, tuner, (role,)),)


train: Final = None
"""What is trained is a tuner for each task."""
