"""Tuning on the few examples that a mixture would be searched on: the comparison for Transformer².

The paper tunes IA³ on 3 to 20 examples for 100 and for 1,000 updates (table of IA³ on few-shot ARC-Challenge). Each
task, target or held-out, is tuned separately. The experiment trains nothing else.
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
    """The method and settings of the tuning. Defaults come from the track's settings of that method."""
    shots: Count = 10
    """Examples of a task to tune on: the rows of its training split that a mixture would be searched on."""
    start: Literal["base", "targets"] = "base"
    """Start of the tuning: the base model, or an IA³ that was trained on all targets together."""
    first: ia3.Config = ia3.Config()
    """With `start: targets`: settings of that IA³. Defaults come from the track's settings of `ia3`."""

    @model_validator(mode="after")
    def _of_one_kind(self) -> Self:
        if self.start == "targets" and not isinstance(self.tuner, Ia3Expert):
            raise ValueError("`start: targets` is for IA³")
        return self

    @model_serializer(mode="wrap")
    def _in_effect(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out settings that have no effect, so that they change neither names nor output."""
        idle = ("start", "first") if self.start == "base" else ()
        return {key: value for key, value in handler(self).items() if key not in idle}


def prerequisites(config: Config, targets: tuple[str, ...]) -> tuple[Prerequisite, ...]:
    """This method has no prerequisites: each task is tuned separately."""
    return ()


def stack(config: Config, role: str, targets: tuple[str, ...]) -> tuple[Part, ...]:
    """The artifact that was tuned on this role's examples."""
    # no checkpoint is selected: its selection rows would be more examples
    alone = {"select_every": config.tuner.steps, "patience": None}
    tuner = config.tuner.model_copy(update={"examples": config.shots, **alone})
    if config.start == "targets":
        own = {name: getattr(tuner, name) for name in ia3.Config.model_fields}
        further = ia3_further.Config(**own, first=config.first, roles=targets)
        return (Prerequisite("ia3_further", further, (role,), field=("tuner",)),)
    return (Prerequisite(tuner.name, tuner, (role,), field=("tuner",)),)


def requirements(config: Config) -> Requirements:
    """Nothing: other methods' steps do the training."""
    return Requirements()


train: Final = None
"""Other methods' steps train a tuner for each task."""
