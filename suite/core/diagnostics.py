"""What a step found out about itself besides scores and curves: kept in the store, published in records, shown."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Final

from pydantic import Field, model_validator

from suite.core.block import Block

Number = Annotated[float, Field(allow_inf_nan=False)]
Place = Annotated[int, Field(ge=0)]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Mixture(Block):
    """The weights α that a mixture of experts was given."""

    NAME: ClassVar[str] = "mixture"

    experts: tuple[str, ...]
    """The target of each expert."""
    matrices: tuple[str, ...] = ()
    """The matrices that have weights of their own; none if all have the same."""
    alpha: tuple[tuple[Number, ...], ...]
    """For each expert its weight, or its weight in each matrix."""

    @model_validator(mode="after")
    def _fits(self) -> Mixture:
        width = len(self.matrices) or 1
        if len(self.alpha) != len(self.experts) or any(len(each) != width for each in self.alpha):
            raise ValueError("alpha is not experts by matrices")
        return self


class RoutingReport(Block):
    """Which skill was read in each document's prompt, and how long both passes took."""

    NAME: ClassVar[str] = "dispatch"

    skills: tuple[str, ...]
    """Those that were read; "" stands for an answer that named none."""
    of_documents: tuple[Place, ...]
    """For each document its place in `skills`."""
    seconds: tuple[Number, Number]
    """Of the first pass and of the second, putting stacks on included."""

    @model_validator(mode="after")
    def _fits(self) -> RoutingReport:
        if any(place >= len(self.skills) for place in self.of_documents):
            raise ValueError("a document has a skill that is not listed")
        return self


class Spectrum(Block):
    """How the singular values of a matrix were scaled, from the largest tenth of them to the smallest."""

    matrix: str
    values: tuple[Number, ...]
    """Mean singular value of each tenth, in the base."""
    factors: tuple[Number, ...]
    """Mean factor of each tenth."""
    least: Number
    """The smallest factor of all."""
    most: Number
    """The largest factor of all."""


class Spectra(Block):
    """The spectra of all matrices that singular vectors scale."""

    NAME: ClassVar[str] = "spectra"

    matrices: tuple[Spectrum, ...]


class TrainingTime(Block):
    """Where the seconds of training went, of the steps that count: what an interruption lost is not in it."""

    NAME: ClassVar[str] = "training_time"

    sampling: Seconds | None = None
    """The model's own answers, and their rewards; None where it is given right ones."""
    update: Seconds
    """Forward and backward passes, and the optimiser's steps."""
    selection: Seconds = 0.0
    """Scoring the selection rows."""
    probes: Seconds = 0.0
    """Looks along training."""


class Counted(Block):
    """Some of the documents of an evaluation."""

    documents: tuple[Place, ...]
    """Their numbers."""
    tried: Place
    """Documents that were looked at."""

    @model_validator(mode="after")
    def _are_some(self) -> Counted:
        if len(set(self.documents)) != len(self.documents) or len(self.documents) > self.tried:
            raise ValueError(f"{len(self.documents)} documents of {self.tried}, or one of them twice")
        return self


class GoldMisses(Counted):
    """The documents whose right answers do not get the best value of a metric."""

    metric: str
    """With its filter pipeline behind a comma where the task has several."""


class Gold(Block):
    """Right answers that miss full marks by their own task's filters and metrics."""

    NAME: ClassVar[str] = "gold"

    misses: tuple[GoldMisses, ...]


class UnwritableAnswers(Counted):
    """Documents whose right answers the model cannot write: its tokenizer lacks them, or they are over the limit."""

    NAME: ClassVar[str] = "unwritable"


class JudgedWeaker(Counted):
    """Documents whose programs could deceive: they ran in one process with their tests, or their objects had a say."""

    NAME: ClassVar[str] = "judged_weaker"


Finding = Mixture | RoutingReport | Spectra | TrainingTime | Gold | UnwritableAnswers | JudgedWeaker
KINDS: Final[Mapping[str, type[Finding]]] = {
    kind.NAME: kind for kind in (Mixture, RoutingReport, Spectra, TrainingTime, Gold, UnwritableAnswers, JudgedWeaker)
}


def read(name: str, content: Mapping[str, Any]) -> Finding:
    """A stored finding. Raises ValueError if there is none of that name, or it is not what it should be."""
    if name not in KINDS:
        raise ValueError(f"there is no finding '{name}'")
    return KINDS[name].model_validate_json(json.dumps(content))  # as JSON, for a list is no tuple otherwise


def counts(finding: Finding) -> tuple[Counted, ...]:
    """What a finding says of some of the documents."""
    if isinstance(finding, Gold):
        return finding.misses
    return (finding,) if isinstance(finding, Counted) else ()
