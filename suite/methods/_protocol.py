"""The seam for methods: what a method is, and what it may say that it builds on."""

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
    """A train step that a method builds on: shared with every experiment that asks for the same one."""

    method: str
    config: Block
    targets: tuple[str, ...]
    model: ModelSource | None = None
    """The base model it is trained on, where that is another than the track's."""
    field: tuple[str, ...] = field(default=(), compare=False)
    """The keys of the method's block under which its settings stand: messages name them."""


@dataclass(frozen=True)
class OwnPart:
    """A part of the artifact of the method's own train step, by its name (`Artifact.parts`), as a part of a stack."""

    name: str
    key: Mapping[str, Any] | None = None
    """What stands for the method in the key of the step that takes it; None: the method's settings and the name."""


Part = _Self | int | OwnPart | Prerequisite
"""A part of a stack: `SELF`, a part of it, the index of a prerequisite, or a train step for this role alone."""


@dataclass(frozen=True)
class Dispatch:
    """A stack for each document: a short first pass names the skill that its prompt asks for."""

    role: str
    """The role whose task (`metadata.made_of`) asks for the skill."""
    router: tuple[Prerequisite, ...]
    """What answers the first pass; none is the base."""
    experts: Mapping[str, tuple[Prerequisite, ...]]
    """Skill -> what answers its documents; the base answers those of any other."""

    @property
    def parts(self) -> tuple[Prerequisite, ...]:
        """All that may answer."""
        return (*self.router, *(part for each in self.experts.values() for part in each))


class Method(Protocol):
    """What a method's module has, here and elsewhere. It imports torch and the like inside of `train` only."""

    FAMILY: Family
    VERSION: int
    """Raised when a change to the module changes what it gives for the same settings."""
    TRAINS: bool
    """Whether there is a train step at all."""
    Config: type[Block]
    """The method's block. `INHERITS: ClassVar[dict[str, str]]` names the method whose track settings a field takes."""

    def prerequisites(self, config: Any, targets: tuple[str, ...]) -> tuple[Prerequisite, ...]:
        """The train steps to do first; their artifacts are `job.parents`."""

    def stack(self, config: Any, role: str, targets: tuple[str, ...]) -> tuple[Part, ...] | Dispatch:
        """The artifacts in effect when a task is answered."""

    def requirements(self, config: Any) -> Requirements:
        """What the method's own train step needs: planning asks for it, and reads no field of the block."""

    train: Callable[[Any, Job], Trained] | None
    """Train on the job's examples, and leave the backbone as it was; None for a method of prerequisites only."""
