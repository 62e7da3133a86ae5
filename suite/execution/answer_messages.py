"""What the process of an evaluation and those that answer a part of it send each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from suite.core.run_dir import RunDir
from suite.planning.make import Inputs
from suite.planning.steps import Step
from suite.specs.blocks import Track


@dataclass(frozen=True)
class Setup:
    """What a process needs before it can answer."""

    home: RunDir
    inputs: Inputs
    device: str
    """Empty for the default one."""
    threads: int
    """As many as in the process of the evaluation: another number could round differently."""
    track: Track
    """Its base model is loaded first."""


@dataclass(frozen=True)
class Ready:
    """The process has loaded the base model."""


@dataclass(frozen=True)
class Ask:
    """Requests of an LM, of which each process answers a part."""

    step: Step
    stack: tuple[str, ...]
    """The train steps whose artifacts are in effect."""
    hashes: Mapping[str, str]
    """The required hashes of the artifacts."""
    decoding: Mapping[str, Any]
    number: int = 0
    kind: str = ""
    """The LM's method."""
    questions: tuple[tuple[int | None, tuple[Any, ...]], ...] = ()
    """The document and the arguments of each request."""
    rank: int = 0
    count: int = 1


@dataclass(frozen=True)
class Share:
    """The results of a process's own batches, by the number of the item."""

    number: int
    """Of the `Ask`."""
    results: Mapping[int, Any]


@dataclass(frozen=True)
class AskFailed:
    """A process cannot answer."""

    number: int
    reason: str
