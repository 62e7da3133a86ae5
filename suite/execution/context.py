"""The context that all attempts at a plan's steps share."""

from __future__ import annotations

from dataclasses import dataclass

from suite.core.run_dir import RunDir
from suite.planning import Inputs
from suite.results.store.writing import LEASE_SECONDS


@dataclass(frozen=True)
class StepContext:
    """Everything that an attempt needs besides its step: plain values, which can be pickled."""

    home: RunDir
    """Where artifacts, checkpoints and the store are. Processes share its folder, or have an `exchange`."""
    inputs: Inputs
    device: str | None = None
    unsafe_code: bool = False
    """Whether generated programs may run without a sandbox."""
    lease_seconds: float = LEASE_SECONDS
    """A step whose owner has been silent for longer is taken over."""
    max_disk: int | None = None
    """Bytes that the home may hold in all; None: as much as the disk has room for."""
    imported: frozenset[str] = frozenset()
    """Imported steps in the plan. They run again if an artifact that they build on changes."""
    exchange: str | None = None
    """The folder or bucket, as a URL of fsspec, through which artifacts go between machines with homes of their own."""
    verify: bool = False
    """Whether each step first compares this machine's data and model with those that it was planned with."""
    divided: bool = True
    """Whether several devices answer an evaluation's documents together (`budget.shard`), as no other step has them."""
