"""The fields of a record file. Unknown fields and wrong types are refused."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic.dataclasses import dataclass

from suite.core.block import Block
from suite.results.store import AnswerRecord, Costs, CurvePointRecord, FindingRecord, ScoreRecord, StepLink

if TYPE_CHECKING:
    from suite.results.store import AnswerRecord as Answer
    from suite.results.store import Costs as Spent
    from suite.results.store import CurvePointRecord as Point
    from suite.results.store import FindingRecord as Finding
    from suite.results.store import ScoreRecord as Score
    from suite.results.store import StepLink as Link
else:  # the store's own records, validated as strictly as a spec
    _kinds = (AnswerRecord, Costs, CurvePointRecord, FindingRecord, ScoreRecord, StepLink)
    # these docstrings are not shown, and extracting them takes a second once torch is imported
    _config = ConfigDict(**{**Block.model_config, "use_attribute_docstrings": False})
    Answer, Spent, Point, Finding, Score, Link = (dataclass(kind, config=_config) for kind in _kinds)

SCHEMA = 3
"""Increased whenever a record gains or loses a field."""
MAX_BYTES = 64_000_000
"""A longer record (uncompressed) is neither written nor read."""


def _is_moment(text: str) -> str:
    if datetime.fromisoformat(text).tzinfo is None:
        raise ValueError("a time without its zone")
    return text


Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.+-]*$", max_length=200)]
Moment = Annotated[str, AfterValidator(_is_moment)]


class _Loose(BaseModel):
    """The fields of a spec that the board reads; other fields are accepted unchecked."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False)


Shots = Annotated[int, Field(ge=0, le=10_000)]


Documents = Annotated[int, Field(ge=1)] | None
Role = Annotated[str, Field(pattern=r"^(lm_eval:)?[A-Za-z0-9][A-Za-z0-9_.+-]*$", max_length=80)]
"""A role or task name. It is part of file names."""


def _each_once(values: list[Any]) -> list[Any]:
    if len(set(values)) < len(values):
        raise ValueError("names one twice")
    return values


Roles = Annotated[list[Role], AfterValidator(_each_once)]


class _HeldOut(_Loose):
    roles: Roles
    shots: Annotated[list[Shots], AfterValidator(_each_once)]
    documents: Documents = None
    draw: Annotated[int, Field(ge=0)] = 0


class _Target(_Loose):
    shots: Shots = 0
    documents: Documents = None


class _Track(_Loose):
    name: str
    title: str
    about: str
    deviations: list[str] = []
    model: dict[str, Any] = {}
    chat: dict[str, Any] | None = None
    budget: dict[str, Any] = {}
    decoding: dict[str, Any] = {}
    held_out: _HeldOut
    target: _Target = _Target()


class _MethodRecord(_Loose):
    name: str


class _Dispatch(_Loose):
    asker: list[str] = []
    stacks: dict[str, list[str]] = {}


class _StepConfig(_Loose):
    """The fields that are read from a step's key."""

    kind: str
    shots: Shots | None = None
    task: str | None = None
    data: str | None = None
    model: dict[str, Any] = {}
    chat: dict[str, Any] | None = None
    method: _MethodRecord | None = None
    budget: dict[str, Any] = {}
    stack: list[str] = []
    parents: list[str] = []
    candidates: list[str] = []
    choice: list[dict[str, list[str]]] = []
    follows: str | None = None
    dispatch: _Dispatch | None = None


class _Role(_Loose):
    task: Role
    kind: str | None
    labels: list[str]
    chance: float | None
    primary: str | None
    metrics: dict[str, dict[str, str]] = {}
    """The metrics from outside suite -> the source of each."""


class _Spec(_Loose):
    name: str
    source: str
    about: str
    method: _MethodRecord
    targets: Roles
    seed: Annotated[int, Field(ge=0)]
    track: _Track
    roles: dict[Role, _Role]
    changes: list[str]
    variant: str
    sweep: list[dict[str, Any]] = []
    origin: dict[str, str] = {}

    @model_validator(mode="after")
    def _roles_are_described(self) -> _Spec:
        unknown = {*self.targets, *self.track.held_out.roles} - set(self.roles)
        if unknown:
            raise ValueError(f"the role '{min(unknown)}' is not described in `roles`")
        return self


def _is_spec(spec: dict[str, Any]) -> dict[str, Any]:
    _Spec.model_validate(spec)
    return spec


def _is_config(config: dict[str, Any]) -> dict[str, Any]:
    _StepConfig.model_validate(config)
    return config


class ExperimentPart(Block):
    """An experiment with its resolved spec."""

    id: str
    name: Name
    track: Name
    seed: int
    method: str
    family: Literal["none", "full", "adapter", "prompt", "prefix", "singular", "two-stage", "mixture"]
    targets: tuple[str, ...]
    source: str
    spec: Annotated[dict[str, Any], AfterValidator(_is_spec)]


class ProvenancePart(Block):
    """Device and versions with which a step ran. The host name is left out for privacy."""

    device: str | None
    versions: dict[str, str] | None
    git_commit: str | None
    device_name: str | None = None  # records of schema 2 have none of these
    precision: str | None = None
    threads: int | None = None


class ArtifactPart(Block):
    """The artifact of a train step. Its path is left out: the record does not contain the file."""

    kind: str
    hash: str
    base: str
    parameters: int
    bytes: int


class StepPart(Block):
    """A finished step with all its results."""

    id: str
    kind: Literal["train", "evaluate"]
    title: str
    config: Annotated[dict[str, Any], AfterValidator(_is_config)]
    attempts: int
    started: Moment | None
    finished: Moment | None
    provenance: ProvenancePart
    costs: Spent
    scores: tuple[Score, ...]
    answers: tuple[Answer, ...]
    curve: tuple[Point, ...]
    findings: tuple[Finding, ...] = ()  # records of schema 1 have none
    artifact: ArtifactPart | None


class RecordFile(Block):
    """A finished experiment and all its steps."""

    schema_version: int
    sha256: str
    """SHA-256 of the canonical text of all other fields."""
    experiment: ExperimentPart
    links: tuple[Link, ...]
    steps: tuple[StepPart, ...]
