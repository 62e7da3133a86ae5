"""What a run trains on, and who counts what it takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

if TYPE_CHECKING:
    import torch

P = TypeVar("P", bound="MicroBatch")


class MicroBatch(Protocol):
    """As much of a step's batch as is in memory at once."""

    @property
    def tokens(self) -> int:
        """Tokens that are not padding."""

    def to(self: P, device: torch.device) -> P:
        """The same on a device."""


class Source(Protocol[P]):
    """What a run trains on; a pure function of the seed, the step and the parameters."""

    fingerprint: str
    """The same for the same source only."""

    def target_tokens(self, step: int) -> int:
        """What the loss of a step (from 0) is divided by."""

    def parts(self, step: int, micro_batch: int) -> list[P]:
        """The batch of a step in parts of at most `micro_batch` examples."""

    def measured(self) -> Mapping[str, float]:
        """What is worth a curve besides the loss, of the last step."""


class Spending(Protocol):
    """What a step takes over all its attempts, work that an interruption lost included."""

    def add_tokens(self, count: int) -> None:
        """Count tokens that were worked on."""

    def to_keep(self) -> Mapping[str, Any]:
        """All so far, as a checkpoint keeps it."""

    def resume(self, kept: Mapping[str, Any]) -> None:
        """Count on from what a checkpoint kept, where less is known of the attempts before this one."""


class _Uncounted:
    def add_tokens(self, count: int) -> None:
        """Nobody asks."""

    def to_keep(self) -> Mapping[str, Any]:
        return {}

    def resume(self, kept: Mapping[str, Any]) -> None:
        """Nobody asks."""


UNCOUNTED: Final[Spending] = _Uncounted()
"""For training whose cost nobody asks for."""
