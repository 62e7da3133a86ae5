"""Protocols for what a run trains on and for counting its cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

if TYPE_CHECKING:
    import torch

P = TypeVar("P", bound="MicroBatch")


class MicroBatch(Protocol):
    """The part of a step's batch that is in memory at once."""

    @property
    def tokens(self) -> int:
        """Number of tokens without padding."""

    def to(self: P, device: torch.device) -> P:
        """Move it to a device."""


class Source(Protocol[P]):
    """What a run trains on. Depends only on the seed, the step and the parameters."""

    fingerprint: str
    """A hash that is equal for equal sources only."""

    def target_tokens(self, step: int) -> int:
        """Divisor of a step's loss (steps count from 0)."""

    def parts(self, step: int, micro_batch: int) -> list[P]:
        """A step's batch in parts of at most `micro_batch` examples."""

    def measured(self) -> Mapping[str, float]:
        """Values of the last step to plot besides the loss."""


class Spending(Protocol):
    """The cost of a step over all its attempts, including work that an interruption lost."""

    def add_tokens(self, count: int) -> None:
        """Add processed tokens."""

    def to_keep(self) -> Mapping[str, Any]:
        """The cost so far, for a checkpoint."""

    def resume(self, kept: Mapping[str, Any]) -> None:
        """Continue from a checkpoint's counts, unless more is known of the earlier attempts."""


class _Uncounted:
    def add_tokens(self, count: int) -> None:
        """Do nothing."""

    def to_keep(self) -> Mapping[str, Any]:
        return {}

    def resume(self, kept: Mapping[str, Any]) -> None:
        """Do nothing."""


UNCOUNTED: Final[Spending] = _Uncounted()
"""For training whose cost is not counted."""
