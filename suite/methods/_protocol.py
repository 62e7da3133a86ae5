"""The protocol that every method follows, and the types with which it names the steps that it builds on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol

from suite.core.block import Block

if TYPE_CHECKING:
    from suite.models.source import ModelSource
    from suite.training.job import Job, Trained
    from suite.training.requirements import Requirements

Family = Literal["none", "full", "adapter", "prompt", "prefix", "singular", "two-stage", "mixture"]


class _Self:
    """The artifact of the method's own train step, as a part of a stack."""

    def __repr__(self) -> str:
        return "SELF"


SELF: Final = _Self()


@dataclass(frozen=True)
class Prerequisite:
    """A train step that a method builds on. Experiments that name the same step share it."""

    method: str
    config: Block
    targets: tuple[str, ...]
    model: ModelSource | None = None
    """The base model to train on; None: the track's."""
    field: tuple[str, ...] = field(default=(), compare=False)
    """The keys of the method's block under which these settings stand, for messages."""


@dataclass(frozen=True)
class OwnPart:
    """One part of the artifact of the method's own train step, by its name in `Artifact.parts`, as a part of a
    stack."""

    name: str
    key: Mapping[str, Any] | None = None
    """Replaces the method in the key of the step that uses this part; None: the method's settings and the part's
    name."""


Part = _Self | int | OwnPart | Prerequisite
"""A part of a stack: `SELF`, a part of it, the index of a prerequisite, or a train step for this role alone."""


@dataclass(frozen=True)
class Dispatch:
    """Routing: a short first pass names the skill of each document's prompt, and that skill's stack answers it."""

    role: str
    """The role whose task asks for the skill (`metadata.made_of`)."""
    router: tuple[Prerequisite, ...]
    """The stack that answers the first pass; empty: the base model."""
    experts: Mapping[str, tuple[Prerequisite, ...]]
    """Skill -> the stack that answers its documents. The base model answers documents of other skills."""

    @property
    def parts(self) -> tuple[Prerequisite, ...]:
        """All steps that may answer."""
        return (*self.router, *(part for each in self.experts.values() for part in each))


class Method(Protocol):
    """What a method's module has, in this package and outside. It imports torch and other heavy packages in `train`
    only."""

    FAMILY: Family
    VERSION: int
    """Raise it when a change to the module changes its results for the same settings."""
    TRAINS: bool
    """Whether the method trains at all."""
    Config: type[Block]
    """The method's block. `INHERITS: ClassVar[dict[str, str]]` maps a field to the method whose track settings it
    takes."""

    def prerequisites(self, config: Any, targets: tuple[str, ...]) -> tuple[Prerequisite, ...]:
        """The train steps that come first; their artifacts are `job.parents`."""

    def stack(self, config: Any, role: str, targets: tuple[str, ...]) -> tuple[Part, ...] | Dispatch:
        """The artifacts that are applied when a task is answered."""

    def requirements(self, config: Any) -> Requirements:
        """What the method's own train step needs. Planning reads this and no field of the block."""

    train: Callable[[Any, Job], Trained] | None
    """Train on the job's examples and leave the backbone unchanged; None if the method has no train step of its own."""
