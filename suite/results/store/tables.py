"""The tables: experiments, steps, answers, scores and costs."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, DateTime, Float, ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

REVISION = "0004"
"""The newest migration, which an up-to-date store has applied."""


class Base(DeclarativeBase):
    """Base class of all tables."""

    type_annotation_map = {dict[str, Any]: JSON, list[str]: JSON, datetime: DateTime(timezone=True)}  # noqa: RUF012


class ExperimentRow(Base):
    """Spec × track × seed."""

    __tablename__ = "experiment"
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(String(200), index=True)
    track: Mapped[str] = mapped_column(String(200), index=True)
    seed: Mapped[int] = mapped_column(Integer)
    method: Mapped[str] = mapped_column(String(200))
    family: Mapped[str] = mapped_column(String(200))
    targets: Mapped[list[str]]
    source: Mapped[str] = mapped_column(Text)
    spec: Mapped[dict[str, Any]]
    created: Mapped[datetime]
    imported: Mapped[bool]


class StepRow(Base):
    """A step of a plan, with its status and costs."""

    __tablename__ = "step"
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    title: Mapped[str] = mapped_column(Text)
    config: Mapped[dict[str, Any]]
    status: Mapped[str] = mapped_column(String(20), index=True)
    reason: Mapped[str | None] = mapped_column(Text)
    attempts: Mapped[int]
    owner: Mapped[str | None] = mapped_column(String(200))
    heartbeat: Mapped[float | None] = mapped_column(Float)
    host: Mapped[str | None] = mapped_column(String(200))
    device: Mapped[str | None] = mapped_column(String(200))
    versions: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    git_commit: Mapped[str | None] = mapped_column(String(64))
    device_name: Mapped[str | None] = mapped_column(String(200))
    precision: Mapped[str | None] = mapped_column(String(20))
    threads: Mapped[int | None]
    started: Mapped[datetime | None]
    finished: Mapped[datetime | None]
    seconds: Mapped[float | None] = mapped_column(Float)
    peak_memory: Mapped[int | None] = mapped_column(BigInteger)
    tokens: Mapped[int | None] = mapped_column(BigInteger)
    trained_parameters: Mapped[int | None] = mapped_column(BigInteger)
    artifact_bytes: Mapped[int | None] = mapped_column(BigInteger)
    imported: Mapped[bool]


class ExperimentStepRow(Base):
    """The part that a step plays in an experiment; a step may belong to several experiments."""

    __tablename__ = "experiment_step"
    experiment_id: Mapped[str] = mapped_column(ForeignKey("experiment.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(Integer, primary_key=True)
    step_id: Mapped[str] = mapped_column(ForeignKey("step.id"), index=True)
    part: Mapped[str] = mapped_column(String(20))
    role: Mapped[str | None] = mapped_column(String(200))
    shots: Mapped[int | None]


class ScoreRow(Base):
    """A metric of an evaluate step; `value` is null if it could not be measured."""

    __tablename__ = "score"
    step_id: Mapped[str] = mapped_column(ForeignKey("step.id", ondelete="CASCADE"), primary_key=True)
    metric: Mapped[str] = mapped_column(String(200), primary_key=True)
    value: Mapped[float | None] = mapped_column(Float)
    stderr: Mapped[float | None] = mapped_column(Float)
    n: Mapped[int]
    primary: Mapped[bool]
    unparsable: Mapped[int]
    truncated: Mapped[int]


class AnswerRow(Base):
    """The model's answer to one document."""

    __tablename__ = "answer"
    step_id: Mapped[str] = mapped_column(ForeignKey("step.id", ondelete="CASCADE"), primary_key=True)
    doc_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    doc_hash: Mapped[str] = mapped_column(String(64))
    prompt_hash: Mapped[str] = mapped_column(String(64))
    question: Mapped[str] = mapped_column(Text)
    target: Mapped[str] = mapped_column(Text)
    output: Mapped[str] = mapped_column(Text)
    parsed: Mapped[str] = mapped_column(Text)
    value: Mapped[float | None] = mapped_column(Float)
    unparsable: Mapped[bool]
    truncated: Mapped[bool]


class CurvePointRow(Base):
    """A value measured during training (loss, selection score)."""

    __tablename__ = "curve_point"
    step_id: Mapped[str] = mapped_column(ForeignKey("step.id", ondelete="CASCADE"), primary_key=True)
    name: Mapped[str] = mapped_column(String(100), primary_key=True)
    step: Mapped[int] = mapped_column(Integer, primary_key=True)
    value: Mapped[float | None] = mapped_column(Float)


class FindingRow(Base):
    """A finding: other facts that a step recorded about itself."""

    __tablename__ = "finding"
    step_id: Mapped[str] = mapped_column(ForeignKey("step.id", ondelete="CASCADE"), primary_key=True)
    name: Mapped[str] = mapped_column(String(100), primary_key=True)
    content: Mapped[dict[str, Any]]


class ArtifactRow(Base):
    """The artifact that a train step wrote to disk."""

    __tablename__ = "artifact"
    step_id: Mapped[str] = mapped_column(ForeignKey("step.id", ondelete="CASCADE"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    hash: Mapped[str] = mapped_column(String(64))
    base: Mapped[str] = mapped_column(String(200))
    parameters: Mapped[int] = mapped_column(BigInteger)
    bytes: Mapped[int] = mapped_column(BigInteger)
    path: Mapped[str] = mapped_column(Text)


class ChecksumRow(Base):
    """Checksums of a finished step's results, one for each part that is read together
    (`suite.results.store.checksums`)."""

    __tablename__ = "checksum"
    step_id: Mapped[str] = mapped_column(ForeignKey("step.id", ondelete="CASCADE"), primary_key=True)
    step: Mapped[str] = mapped_column(String(16))
    scores: Mapped[str] = mapped_column(String(16))
    curve: Mapped[str] = mapped_column(String(16))
    findings: Mapped[str] = mapped_column(String(16))
    artifact: Mapped[str] = mapped_column(String(16))
    doc_id: Mapped[str] = mapped_column(String(16))
    doc_hash: Mapped[str] = mapped_column(String(16))
    prompt_hash: Mapped[str] = mapped_column(String(16))
    question: Mapped[str] = mapped_column(String(16))
    target: Mapped[str] = mapped_column(String(16))
    output: Mapped[str] = mapped_column(String(16))
    parsed: Mapped[str] = mapped_column(String(16))
    value: Mapped[str] = mapped_column(String(16))
    unparsable: Mapped[str] = mapped_column(String(16))
    truncated: Mapped[str] = mapped_column(String(16))
    tallies: Mapped[str] = mapped_column(String(16))
    documents: Mapped[int]
    """Number of distinct documents that were answered."""


class ExperimentChecksumRow(Base):
    """Checksums of an experiment and of its links to steps."""

    __tablename__ = "experiment_checksum"
    experiment_id: Mapped[str] = mapped_column(ForeignKey("experiment.id", ondelete="CASCADE"), primary_key=True)
    track: Mapped[str] = mapped_column(String(200))
    experiment: Mapped[str] = mapped_column(String(16))
    links: Mapped[str] = mapped_column(String(16))


Index("experiment_name_track", ExperimentRow.track, ExperimentRow.name, ExperimentRow.seed)
