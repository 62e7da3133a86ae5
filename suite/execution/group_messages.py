"""What the process of a train step and those that train it on several devices tell each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suite.core.run_dir import RunDir
from suite.planning.make import Inputs
from suite.planning.steps import Step

if TYPE_CHECKING:
    from suite.core.diagnostics import Finding
    from suite.training.loop import Fit


@dataclass(frozen=True)
class RankTask:
    """What one process of a group does: its part of training a step."""

    step: Step
    home: RunDir
    inputs: Inputs
    max_disk: int | None
    hashes: Mapping[str, str]
    """The required hashes of the parents' artifacts."""
    rank: int
    count: int
    device: str
    folder: Path
    """The folder of this attempt."""
    spent: Mapping[str, Any]
    """The costs of earlier attempts, for checkpoints."""


@dataclass(frozen=True)
class Stepped:
    """An optimiser step is done."""

    step: int
    total: int
    loss: float
    score: float | None


@dataclass(frozen=True)
class Notice:
    """A message to the user."""

    text: str


@dataclass(frozen=True)
class Spent:
    """Tokens were processed."""

    tokens: int


@dataclass(frozen=True)
class Resumed:
    """Training goes on from a checkpoint with these costs."""

    kept: Mapping[str, Any]


@dataclass(frozen=True)
class RankFailure:
    """A process cannot go on."""

    reason: str
    follows: bool = False
    """Whether it only noticed that another process is gone."""


@dataclass(frozen=True)
class End:
    """To the first process: end after the current step, because of a signal. From each: it has ended."""

    signal: int


@dataclass(frozen=True)
class Finished:
    """A process is done. The first one has saved the artifact."""

    peak_memory: int
    fit: Fit | None = None
    """How training went, without the selected tensors."""
    base: str = ""
    """The identity of the base model."""
    trained_parameters: int = 0
    findings: tuple[Finding, ...] = ()


Message = Stepped | Notice | Spent | Resumed | RankFailure | End | Finished
