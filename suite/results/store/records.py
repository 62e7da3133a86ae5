"""What goes into the store and comes out of it: plain frozen values, no rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Status = Literal["pending", "running", "done", "failed", "cancelled"]


@dataclass(frozen=True)
class ExperimentRecord:
    """Spec × track × seed, as it was resolved."""

    id: str
    name: str
    track: str
    seed: int
    method: str
    family: str
    targets: tuple[str, ...]
    source: str
    spec: Mapping[str, Any]
    imported: bool = False
    created: str | None = None
    """ISO 8601, UTC: when the store first saw it; given by the store."""


@dataclass(frozen=True)
class StepLink:
    """The part a step plays in an experiment."""

    step_id: str
    part: str
    role: str | None
    shots: int | None
    position: int


@dataclass(frozen=True)
class Provenance:
    """Where and with what a step ran."""

    host: str | None = None
    device: str | None = None
    versions: Mapping[str, Any] | None = None
    git_commit: str | None = None


@dataclass(frozen=True)
class Costs:
    """What a step took. Null: does not apply."""

    seconds: float | None = None
    """Over all attempts, those that were interrupted or failed included."""
    peak_memory: int | None = None
    """Bytes: the largest of any attempt."""
    tokens: int | None = None
    """Of a train step all that it worked on: steps that an interruption lost count each time that they were done. Of an
    evaluation those of its prompts and answers, once."""
    trained_parameters: int | None = None
    artifact_bytes: int | None = None


@dataclass(frozen=True)
class StepRecord:
    """A step; all but the first four fields are known once it has been tried."""

    id: str
    kind: str
    title: str
    config: Mapping[str, Any]
    status: Status = "pending"
    reason: str | None = None
    attempts: int = 0
    started: str | None = None
    """ISO 8601, UTC."""
    finished: str | None = None
    provenance: Provenance = Provenance()
    costs: Costs = Costs()
    imported: bool = False


@dataclass(frozen=True)
class ScoreRecord:
    """A metric; `value` is None when it could not be measured, never a stand-in."""

    metric: str
    value: float | None
    stderr: float | None
    n: int
    primary: bool
    unparsable: int = 0
    truncated: int = 0


@dataclass(frozen=True)
class AnswerRecord:
    """One document's output and its score (0 to 100; None for corpus metrics)."""

    doc_id: int
    doc_hash: str
    prompt_hash: str
    question: str
    target: str
    output: str
    parsed: str
    value: float | None
    unparsable: bool = False
    truncated: bool = False


@dataclass(frozen=True)
class AnswerColumns:
    """A step's answers in the documents' order, field by field: to make a record of each costs more than to read it."""

    doc_id: tuple[int, ...]
    doc_hash: tuple[str, ...]
    question: tuple[str, ...]
    target: tuple[str, ...]
    output: tuple[str, ...]
    parsed: tuple[str, ...]
    value: tuple[float | None, ...]
    unparsable: tuple[bool, ...]
    truncated: tuple[bool, ...]

    def __len__(self) -> int:
        """How many answers there are."""
        return len(self.doc_id)


@dataclass(frozen=True)
class CurvePointRecord:
    """A value measured during training."""

    step: int
    name: str
    value: float | None


@dataclass(frozen=True)
class FindingRecord:
    """What else a step found out about itself: `dispatch`, `mixture`, `spectra` (see where each is made)."""

    name: str
    content: Mapping[str, Any]


@dataclass(frozen=True)
class ArtifactRecord:
    """What a train step left on disk."""

    kind: str
    hash: str
    base: str
    parameters: int
    bytes: int
    path: str


@dataclass(frozen=True)
class StepOutcome:
    """All that a finished step leaves: it is stored whole or not at all."""

    scores: tuple[ScoreRecord, ...] = ()
    answers: tuple[AnswerRecord, ...] = ()
    curve: tuple[CurvePointRecord, ...] = ()
    findings: tuple[FindingRecord, ...] = ()
    artifact: ArtifactRecord | None = None
    costs: Costs = field(default_factory=Costs)
    provenance: Provenance = field(default_factory=Provenance)
