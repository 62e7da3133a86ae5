"""The interface for reading results, from a store, from published records, or from both together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from suite.results.store.records import (
    AnswerColumns,
    AnswerRecord,
    ArtifactRecord,
    CurvePointRecord,
    ExperimentRecord,
    ScoreRecord,
    StepLink,
    StepRecord,
)

PARTS: Final = ("experiment", "links", "step", "scores", "answers", "curve", "findings", "artifact")
"""The stored parts of an experiment."""


class ResultsReader(Protocol):
    """Every query for results, without any way to change them. All lists have a fixed order.

    Boards, analysis, the site and commands accept this type. A class that lacks a method is a type error where it is
    passed to them.
    """

    @property
    def where(self) -> str:
        """The place of the results, as messages call it."""
        ...

    def statuses(self, steps: Sequence[str]) -> dict[str, str]:
        """Step id -> status; unknown steps are left out."""
        ...

    def experiments(self, track: str | None = None) -> tuple[ExperimentRecord, ...]:
        """All experiments (of a track), by track, name, seed and id."""
        ...

    def tracks(self) -> tuple[str, ...]:
        """The tracks that have any experiment, by name."""
        ...

    def links(self, experiment: str) -> tuple[StepLink, ...]:
        """The links to an experiment's steps, in order."""
        ...

    def links_of(self, experiments: Sequence[str]) -> dict[str, tuple[StepLink, ...]]:
        """Experiment -> the links to its steps, in order; for many experiments at once."""
        ...

    def steps(self, ids: Sequence[str]) -> dict[str, StepRecord]:
        """Step id, as the links have it -> step."""
        ...

    def scores(self, steps: Sequence[str]) -> dict[str, tuple[ScoreRecord, ...]]:
        """Step id -> its scores, the primary one first."""
        ...

    def answers(self, step: str) -> tuple[AnswerRecord, ...]:
        """A step's answers in the documents' order."""
        ...

    def answer_columns(self, steps: Sequence[str]) -> dict[str, AnswerColumns]:
        """Step id -> its answers in the documents' order; steps without answers are left out."""
        ...

    def outputs(self, steps: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """Step id -> the model's completions, in the documents' order. Reads much less than whole answers."""
        ...

    def values(self, steps: Sequence[str]) -> dict[str, tuple[NDArray[np.int64], NDArray[np.float64]]]:
        """Step id -> (documents that have a score of their own, their scores), in the documents' order."""
        ...

    def texts(self, steps: Sequence[str]) -> dict[str, tuple[tuple[int, str, str], ...]]:
        """Step id -> (document, right answer, answer parsed from the output), in the documents' order."""
        ...

    def tallies(self, steps: Sequence[str]) -> dict[str, tuple[tuple[str, str, int], ...]]:
        """Step id -> (right answer, answer parsed from the output, number of documents with both)."""
        ...

    def documents(self, steps: Sequence[str]) -> dict[str, tuple[tuple[int, str], ...]]:
        """Step id -> (document, hash of its content), in the documents' order."""
        ...

    def repeated(self, steps: Sequence[str]) -> dict[str, tuple[tuple[int, str], ...]]:
        """Step id -> (document, hash of its content), only for steps that have equal documents."""
        ...

    def curve(self, step: str) -> tuple[CurvePointRecord, ...]:
        """The curves of a step's training, by name and step."""
        ...

    def curves(self, steps: Sequence[str]) -> dict[str, tuple[CurvePointRecord, ...]]:
        """Step id -> the curves of its training, by name and step; steps without a curve are left out."""
        ...

    def findings(self, steps: Sequence[str]) -> dict[str, dict[str, Mapping[str, Any]]]:
        """Step id -> name -> finding: other facts that the step recorded about itself."""
        ...

    def artifacts(self, steps: Sequence[str]) -> dict[str, ArtifactRecord]:
        """Step id -> its artifact."""
        ...

    def versions(self, links: Mapping[str, Sequence[StepLink]]) -> dict[str, dict[str, str]]:
        """Experiment -> stored part -> its version, which changes whenever reading the part gives something else.

        `links` are the experiments' own, as `links_of` returns them; the parts are `PARTS`.
        """
        ...

    def step_ids(self) -> tuple[str, ...]:
        """The ids of all steps, in order."""
        ...

    def count_steps(self) -> int:
        """The number of steps."""
        ...

    def rates(self, model: str, sort: Callable[[str, Mapping[str, Any]], str]) -> dict[tuple[str | None, str], float]:
        """(class of device, kind of step) -> tokens per second, over this base model's steps that finished here."""
        ...

    def artifact_sizes(self, model: str, sort: Callable[[str, Mapping[str, Any]], str]) -> dict[str, tuple[int, int]]:
        """Shape of a train step (`sort`) -> bytes of its artifact and trained parameters, for steps of a base model."""
        ...

    def finished_keys(self, titles: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        """Title -> the key of the last finished step with that title."""
        ...
