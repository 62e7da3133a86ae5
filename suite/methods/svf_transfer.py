"""Transfer of SVF masks from another base model of the same shapes to this one (Transformer², section 4.4).

The i-th largest singular value of a matrix gets the factor of the other model's i-th largest. As the paper's control,
the factors can be shuffled instead. An SVF artifact is rejected on any base that it was not trained on; this method is
the explicit way to transfer one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

from pydantic import SerializerFunctionWrapHandler, model_serializer

from suite.core.block import Block
from suite.methods import SELF, Family, Part, Prerequisite, svf
from suite.models.source import ModelSource
from suite.training.requirements import Requirements

if TYPE_CHECKING:
    from suite.training.job import Job, Trained

FAMILY: Final[Family] = "singular"
VERSION: Final = 1
TRAINS: Final = True


class Config(Block):
    """Settings of a transfer."""

    INHERITS: ClassVar[dict[str, str]] = {"expert": "svf"}

    base: ModelSource
    """The base model on which the masks are trained, with the track's data and budget."""
    expert: svf.Config = svf.Config()
    """Settings of that training. Defaults come from the track's settings of `svf`."""
    order: Literal["kept", "shuffled"] = "kept"
    """Keep each factor at the rank of its singular value, or shuffle the factors within each matrix by the seed."""

    @model_serializer(mode="wrap")
    def _in_effect(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out the default order, so that it changes neither names nor output."""
        return {key: value for key, value in handler(self).items() if key != "order" or value != "kept"}


def prerequisites(config: Config, targets: tuple[str, ...]) -> tuple[Prerequisite, ...]:
    """SVF masks, trained on the other model."""
    return (Prerequisite("svf", config.expert, targets, config.base, field=("expert",)),)


def stack(config: Config, role: str, targets: tuple[str, ...]) -> tuple[Part, ...]:
    """The transferred masks, for every task."""
    return (SELF,)


def requirements(config: Config) -> Requirements:
    """Nothing: this step does not train."""
    return Requirements(full_weights=True)


def train(config: Config, job: Job) -> Trained:
    """Apply the masks to this model's singular values, without training."""
    from suite.training.singular import transferred

    return transferred(job, shuffled=config.order == "shuffled")
