"""What every attempt at a plan's steps is told."""

from __future__ import annotations

from dataclasses import dataclass

from suite.core.run_dir import RunDir
from suite.planning import Inputs
from suite.results.store.writing import LEASE_SECONDS


@dataclass(frozen=True)
class StepContext:
    """All that an attempt needs besides its step: plain values, which can be pickled."""

    home: RunDir
    """Where artifacts, checkpoints and the store are. Its folder is shared by all processes that do steps."""
    inputs: Inputs
    device: str | None = None
    unsafe_code: bool = False
    """Whether generated programs may run without a sandbox."""
    lease_seconds: float = LEASE_SECONDS
    """A step whose owner has been silent for so long is taken over."""
    imported: frozenset[str] = frozenset()
    """Imported steps that the plan asks for: they are measured again if what they build on becomes another."""
