"""Findings of a step besides scores and curves: stored, published in records, and shown on pages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Final, Literal, get_args

from pydantic import Field, model_validator

from suite.core.block import Block

Number = Annotated[float, Field(allow_inf_nan=False)]
Place = Annotated[int, Field(ge=0)]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Mixture(Block):
    """The weights α of a mixture of experts."""

    NAME: ClassVar[str] = "mixture"

    experts: tuple[str, ...]
    """Target of each expert."""
    matrices: tuple[str, ...] = ()
    """The matrices that have their own weights; empty if all share one weight for each expert."""
    alpha: tuple[tuple[Number, ...], ...]
    """For each expert, its weight, or its weight in each matrix."""

    @model_validator(mode="after")
    def _fits(self) -> Mixture:
        width = len(self.matrices) or 1
        if len(self.alpha) != len(self.experts) or any(len(each) != width for each in self.alpha):
            raise ValueError("alpha is not experts by matrices")
        return self


class RoutingReport(Block):
    """The skill that was read for each document, and the duration of both passes."""

    NAME: ClassVar[str] = "dispatch"

    skills: tuple[str, ...]
    """The skills that were read; "" for an answer that named none."""
    of_documents: tuple[Place, ...]
    """Index into `skills` for each document."""
    seconds: tuple[Number, Number]
    """Seconds of the first and the second pass, including the time to apply stacks."""

    @model_validator(mode="after")
    def _fits(self) -> RoutingReport:
        if any(place >= len(self.skills) for place in self.of_documents):
            raise ValueError("a document has a skill that is not listed")
        return self


class Spectrum(Block):
    """How the singular values of a matrix were scaled, from the largest tenth to the smallest."""

    matrix: str
    values: tuple[Number, ...]
    """Mean singular value of each tenth in the base model."""
    factors: tuple[Number, ...]
    """Mean factor of each tenth."""
    least: Number
    """The smallest factor."""
    most: Number
    """The largest factor."""


class Spectra(Block):
    """The spectra of all matrices whose singular values are scaled."""

    NAME: ClassVar[str] = "spectra"

    matrices: tuple[Spectrum, ...]


class TrainingTime(Block):
    """Seconds of training by phase, without work that an interruption lost."""

    NAME: ClassVar[str] = "training_time"

    sampling: Seconds | None = None
    """Generating the model's own answers and their rewards; None for training on right answers."""
    update: Seconds
    """Forward and backward passes and optimiser steps."""
    selection: Seconds = 0.0
    """Scoring the selection rows."""
    probes: Seconds = 0.0
    """Probes."""


class EarlyStop(Block):
    """Why training ended before its last step."""

    NAME: ClassVar[str] = "early_stop"

    reason: Literal["score", "patience"]
    """The selection score reached the track's goal, or it did not rise in as many selections as the patience."""
    step: Place
    """The last step that was done."""
    steps: Place
    """The number of steps in the budget."""
    best_step: Place
    """The step of the selected checkpoint."""
    selections: Place = 0
    """With `patience`: the selections after the best one."""

    @model_validator(mode="after")
    def _fits(self) -> EarlyStop:
        if not self.best_step <= self.step < self.steps or (self.selections > 0) != (self.reason == "patience"):
            raise ValueError("the steps are not best step, last step, budget, in this order, or it has no reason")
        return self

    def __str__(self) -> str:
        """One clause for people."""
        ended = f"stopped after step {self.step} of {self.steps}"
        if self.reason == "score":
            return f"{ended}: the selection score reached the goal"
        times = f"{self.selections} selection{'s' if self.selections > 1 else ''}"
        return f"{ended}: {times} without a better score than at step {self.best_step}"


class Counted(Block):
    """Some documents of an evaluation."""

    documents: tuple[Place, ...]
    """Their indices."""
    tried: Place
    """Number of documents that were checked."""

    @model_validator(mode="after")
    def _are_some(self) -> Counted:
        if len(set(self.documents)) != len(self.documents) or len(self.documents) > self.tried:
            raise ValueError(f"{len(self.documents)} documents of {self.tried}, or one of them twice")
        return self


class GoldMisses(Counted):
    """Documents whose right answers do not get the best value of a metric."""

    metric: str
    """Name of the metric; followed by a comma and its filter pipeline if the task has several."""


class Gold(Block):
    """Right answers that do not get full marks from their own task's filters and metrics."""

    NAME: ClassVar[str] = "gold"

    misses: tuple[GoldMisses, ...]


class UnwritableAnswers(Counted):
    """Documents whose right answers the model cannot write: its tokenizer lacks characters, or they exceed the
    limit."""

    NAME: ClassVar[str] = "unwritable"


class JudgedWeaker(Counted):
    """Documents whose programs could have cheated: they ran in one process with their tests or their objects took
    part."""

    NAME: ClassVar[str] = "judged_weaker"


Finding = Mixture | RoutingReport | Spectra | TrainingTime | EarlyStop | Gold | UnwritableAnswers | JudgedWeaker
KINDS: Final[Mapping[str, type[Finding]]] = {kind.NAME: kind for kind in get_args(Finding)}


def read(name: str, content: Mapping[str, Any]) -> Finding:
    """A stored finding. Raises ValueError if the name is unknown or the content is invalid."""
    if name not in KINDS:
        raise ValueError(f"there is no finding '{name}'")
    return KINDS[name].model_validate_json(json.dumps(content))  # as JSON, because a list is not a tuple otherwise


def counts(finding: Finding) -> tuple[Counted, ...]:
    """The parts of a finding that count documents."""
    if isinstance(finding, Gold):
        return finding.misses
    return (finding,) if isinstance(finding, Counted) else ()
