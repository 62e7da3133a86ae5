"""Values that go into the store and come out of it: plain frozen dataclasses, not rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from suite.core.devices import device_class

Status = Literal["pending", "running", "done", "failed", "cancelled"]


@dataclass(frozen=True)
class ExperimentRecord:
    """An experiment: spec × track × seed, with its spec resolved."""

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
    """When the store first stored it: ISO 8601, UTC. The store sets it."""


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
    """As torch names it: cpu, cuda:1 …"""
    versions: Mapping[str, Any] | None = None
    git_commit: str | None = None
    device_name: str | None = None
    """The model of the GPU or of the processor. Records of schema 2 have neither this nor what follows."""
    precision: str | None = None
    """Of computing, float32 or bf16: the track's in training (`budget.precision`), the model's where it answers."""
    threads: int | None = None
    """The CPU threads that an operation of torch may use."""

    @property
    def device_class(self) -> str | None:
        """What rates and rounding are compared by: `cpu`, or the model of a GPU."""
        return device_class(self.device, self.device_name)


@dataclass(frozen=True)
class Costs:
    """The costs of a step. None: does not apply."""

    seconds: float | None = None
    """Over all attempts, including interrupted and failed ones."""
    peak_memory: int | None = None
    """Bytes: the largest of any attempt."""
    tokens: int | None = None
    """For a train step, all tokens that it processed; training steps that were lost in an interruption and repeated
    count each time. For an evaluation, the tokens of prompts and completions, once."""
    trained_parameters: int | None = None
    artifact_bytes: int | None = None


@dataclass(frozen=True)
class StepRecord:
    """A step. The fields after the first four are set once it has been attempted."""

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
    """The score of a metric. `value` is None if it could not be measured; no other number stands in for it."""

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
    """A step's answers in the documents' order, as columns: one record for each would cost more than reading it."""

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
        """The number of answers."""
        return len(self.doc_id)


@dataclass(frozen=True)
class CurvePointRecord:
    """A value measured during training."""

    step: int
    name: str
    value: float | None


@dataclass(frozen=True)
class FindingRecord:
    """A finding: other facts that a step recorded about itself, such as `dispatch`, `mixture` or `spectra`."""

    name: str
    content: Mapping[str, Any]


@dataclass(frozen=True)
class ArtifactRecord:
    """The artifact that a train step wrote to disk."""

    kind: str
    hash: str
    base: str
    parameters: int
    bytes: int
    path: str
    """The name of its folder in the home; empty if it was deleted, or belongs to an imported step."""


@dataclass(frozen=True)
class StepOutcome:
    """All results of a finished step. They are stored as a whole or not at all."""

    scores: tuple[ScoreRecord, ...] = ()
    answers: tuple[AnswerRecord, ...] = ()
    curve: tuple[CurvePointRecord, ...] = ()
    findings: tuple[FindingRecord, ...] = ()
    artifact: ArtifactRecord | None = None
    costs: Costs = field(default_factory=Costs)
    provenance: Provenance = field(default_factory=Provenance)
