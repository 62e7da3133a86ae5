"""What can be read of results, whoever has them: a store, published records, or both as one."""

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
"""What is stored of an experiment."""


class ResultsReader(Protocol):
    """Every question to results, and no way to change them. Everything that is listed has a fixed order.

    Boards, analysis, the site and commands take this: a class that lacks one of these is a type error where it is
    handed to them.
    """

    @property
    def where(self) -> str:
        """What messages call the place of the results."""
        ...

    def statuses(self, steps: Sequence[str]) -> dict[str, str]:
        """Step id -> status, for those that are known."""
        ...

    def experiments(self, track: str | None = None) -> tuple[ExperimentRecord, ...]:
        """All experiments (of a track), by track, name, seed and id."""
        ...

    def tracks(self) -> tuple[str, ...]:
        """The tracks that anything was run on, by name."""
        ...

    def links(self, experiment: str) -> tuple[StepLink, ...]:
        """An experiment's steps in order."""
        ...

    def links_of(self, experiments: Sequence[str]) -> dict[str, tuple[StepLink, ...]]:
        """Experiment -> its steps in order, for many at once."""
        ...

    def steps(self, ids: Sequence[str]) -> dict[str, StepRecord]:
        """Steps by the id that their link has."""
        ...

    def scores(self, steps: Sequence[str]) -> dict[str, tuple[ScoreRecord, ...]]:
        """Step id -> its scores, the primary one first."""
        ...

    def answers(self, step: str) -> tuple[AnswerRecord, ...]:
        """A step's answers in the documents' order."""
        ...

    def answer_columns(self, steps: Sequence[str]) -> dict[str, AnswerColumns]:
        """Step id -> its answers in the documents' order; without steps that have none."""
        ...

    def outputs(self, steps: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """Step id -> what the model said, in the documents' order: much less to read than whole answers."""
        ...

    def values(self, steps: Sequence[str]) -> dict[str, tuple[NDArray[np.int64], NDArray[np.float64]]]:
        """Step id -> the documents that have scores of their own, in order, and those scores."""
        ...

    def texts(self, steps: Sequence[str]) -> dict[str, tuple[tuple[int, str, str], ...]]:
        """Step id -> (document, right answer, what was read from the output), in the documents' order."""
        ...

    def tallies(self, steps: Sequence[str]) -> dict[str, tuple[tuple[str, str, int], ...]]:
        """Step id -> (right answer, what was read from the output, how many documents have both)."""
        ...

    def documents(self, steps: Sequence[str]) -> dict[str, tuple[tuple[int, str], ...]]:
        """Step id -> (document, hash of its content), in the documents' order."""
        ...

    def repeated(self, steps: Sequence[str]) -> dict[str, tuple[tuple[int, str], ...]]:
        """The same, of those steps alone that have equal documents."""
        ...

    def curve(self, step: str) -> tuple[CurvePointRecord, ...]:
        """What was seen along a step's training, by name and step."""
        ...

    def curves(self, steps: Sequence[str]) -> dict[str, tuple[CurvePointRecord, ...]]:
        """Step id -> the curves of its training, by name and step; steps without a curve are left out."""
        ...

    def findings(self, steps: Sequence[str]) -> dict[str, dict[str, Mapping[str, Any]]]:
        """Step id -> name -> what else it found out about itself."""
        ...

    def artifacts(self, steps: Sequence[str]) -> dict[str, ArtifactRecord]:
        """Step id -> its artifact."""
        ...

    def versions(self, links: Mapping[str, Sequence[StepLink]]) -> dict[str, dict[str, str]]:
        """Experiment -> part of what is stored of it -> a version: it changes with whatever the part gives.

        `links` are the experiments' own, as `links_of` gives them; the parts are `PARTS`.
        """
        ...

    def step_ids(self) -> tuple[str, ...]:
        """Every step, in order."""
        ...

    def count_steps(self) -> int:
        """How many steps there are."""
        ...

    def rates(self, model: str, sort: Callable[[str, Mapping[str, Any]], str]) -> dict[str, float]:
        """Sort of step -> tokens per second, over this base model's steps that were finished here."""
        ...

    def finished_keys(self, titles: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        """Title -> the key of the last finished step of that title."""
        ...
