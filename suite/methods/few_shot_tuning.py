"""Tuning on the few examples of a task that a mixture is searched on: what Transformer² is to be compared with.

The paper tunes IA³ on 3 to 20 examples for 100 and for 1,000 updates (table of IA³ on few-shot ARC-Challenge). Each
task, target or held-out, has a tuning of its own. Nothing else of the experiment is trained.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final, Literal

from pydantic import SerializerFunctionWrapHandler, model_serializer, model_validator
from typing_extensions import Self

from suite.core.block import Block
from suite.methods import Family, Part, Prerequisite, ia3, ia3_further
from suite.methods._experts import Ia3Expert, Tuner
from suite.training.config import Count
from suite.training.requirements import Requirements

FAMILY: Final[Family] = "adapter"
VERSION: Final = 1
TRAINS: Final = True


class Config(Block):
    """Settings of tuning on a few examples."""

    INHERITS: ClassVar[dict[str, str]] = {"tuner": "ia3", "first": "ia3"}

    tuner: Tuner = Ia3Expert()
    """What is tuned, and how; what is left out is as for its method on the same track."""
    shots: Count = 10
    """Examples of a task to tune on: those of its training split that a mixture would be searched on."""
    start: Literal["base", "targets"] = "base"
    """What tuning starts from: nothing, or an IA³ that was trained on all targets together."""
    first: ia3.Config = ia3.Config()
    """With `start: targets`: how that IA³ is trained; what is left out is as for `ia3` on the same track."""

    @model_validator(mode="after")
    def _of_one_kind(self) -> Self:
        if self.start == "targets" and not isinstance(self.tuner, Ia3Expert):
            raise ValueError("`start: targets` is for IA³")
        return self

    @model_serializer(mode="wrap")
    def _in_effect(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """What is not in effect is part of no name, nor of what is shown."""
        idle = ("start", "first") if self.start == "base" else ()
        return {key: value for key, value in handler(self).items() if key not in idle}


def prerequisites(config: Config, targets: tuple[str, ...]) -> tuple[Prerequisite, ...]:
    """None: each task has its own."""
    return ()


def stack(config: Config, role: str, targets: tuple[str, ...]) -> tuple[Part, ...]:
    """What was tuned on this role's examples."""
    # no checkpoint is chosen: the rows held out for that would be more examples
    tuner = config.tuner.model_copy(update={"examples": config.shots, "select_every": config.tuner.steps})
    if config.start == "targets":
        own = {name: getattr(tuner, name) for name in ia3.Config.model_fields}
        further = ia3_further.Config(**own, first=config.first, roles=targets)
        return (Prerequisite("ia3_further", further, (role,), field=("tuner",)),)
    return (Prerequisite(tuner.name, tuner, (role,), field=("tuner",)),)


def requirements(config: Config) -> Requirements:
    """Nothing of its own: what it trains are steps of other methods."""
    return Requirements()


train: Final = None
"""What is trained is a tuner for each task."""
