"""Singular vectors trained on another base model of the same shapes, put on this one (Transformer², section 4.4).

The i-th largest singular value of a matrix is scaled as the i-th largest of the other model's was, or, as the paper's
control, as one of the others, drawn at random. Singular vectors are refused on a base that they were not trained on;
this method is how a transfer is asked for.
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
    """The model that the vectors are trained on, with the track's data and budget."""
    expert: svf.Config = svf.Config()
    """How they are trained; what is left out is as for `svf` on the same track."""
    order: Literal["kept", "shuffled"] = "kept"
    """Whether factors stay with the places of their singular values, or are shuffled within each matrix by the seed."""

    @model_serializer(mode="wrap")
    def _in_effect(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """The usual order is part of no name, nor of what is shown."""
        return {key: value for key, value in handler(self).items() if key != "order" or value != "kept"}


def prerequisites(config: Config, targets: tuple[str, ...]) -> tuple[Prerequisite, ...]:
    """The vectors, trained on the other model."""
    return (Prerequisite("svf", config.expert, targets, config.base, field=("expert",)),)


def stack(config: Config, role: str, targets: tuple[str, ...]) -> tuple[Part, ...]:
    """The vectors as they are for this model, for every task."""
    return (SELF,)


def requirements(config: Config) -> Requirements:
    """Nothing: nothing is trained."""
    return Requirements()


def train(config: Config, job: Job) -> Trained:
    """Put the vectors beside this model's singular values; nothing is trained."""
    from suite.training.singular import transferred

    return transferred(job, shuffled=config.order == "shuffled")
