"""What advice is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from suite.stats import Contrast, Estimate

Front = Literal["on the front", "tied", "dominated"]
"""`tied`: a row on the front has better values, but no such row is significantly better in either.
`dominated`: one is."""


@dataclass(frozen=True)
class Constraints:
    """What a row may cost and has to keep; None: no limit."""

    memory: int | None = None
    """Peak memory of training, in bytes."""
    seconds: float | None = None
    """Training time, prerequisites and all tries of a sweep included."""
    keep: float | None = None
    """The least share (0 to 1) of the pretrained model's held-out average."""


@dataclass(frozen=True)
class Candidate:
    """A row that trained for the target."""

    name: str
    variant: str
    score: Estimate
    """The target's score."""
    gain: Contrast | None
    """The score minus the pretrained model's, on the same documents; None if it was not asked the same."""
    average: Estimate | None
    """The held-out average, at the largest shot count; None if a task was not measured."""
    retention: Contrast | None
    """The held-out average minus the pretrained model's, at the largest shot count; None if it was not measured."""
    retained_share: float | None
    """The held-out average over the pretrained model's."""
    seconds: float | None
    peak_memory: int | None
    artifact_bytes: int | None
    seeds: int
    learned: bool
    """Whether a gain is shown, and a score above guessing."""
    excluded: tuple[str, ...] = ()
    """The limits that it exceeds, and why else it is no choice."""
    front: Front | None = None
    """Its place among the candidates within the limits, by score and held-out average; None for others."""
    better: tuple[str, ...] = ()
    """Candidates on the front that dominate it: those significantly better on the target or, if none is, in what they
    keep."""


@dataclass(frozen=True)
class Advice:
    """Which candidate to take for a target, and what is not known."""

    track: str
    target: str
    shots: int
    limits: Constraints
    candidates: tuple[Candidate, ...]
    """Those within the limits first, each group by score."""
    choice: str | None
    """The name of the advised row; None: no row is advised."""
    choice_variant: str | None
    """Its variant: rows with other settings may have the same name."""
    because: str
    """One or two sentences, with the numbers."""
    unknown: tuple[str, ...]
    """What these results do not tell."""
