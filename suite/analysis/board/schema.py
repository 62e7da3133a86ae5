"""What a board is made of: rows, cells, costs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from suite.analysis.board.classification import Classification
from suite.core.formats import Format
from suite.stats import Contrast, Estimate, Rank

BASELINE = "pretrained"


@dataclass(frozen=True)
class Cell:
    """A task's score at a shot count."""

    role: str
    shots: int
    metric: str
    chance: float | None
    score: Estimate | None
    """None: not measured (yet)."""
    documents: int
    distinct: int
    """How many different ones these are: equal documents count in the score, and as one in its interval."""
    unparsable: int
    """Answers that could not be read, over all seeds; scored as wrong."""
    classes: Classification | None = None
    """Its answers by class; None for a task without labels, and where right answers are not stored."""

    @property
    def at_chance(self) -> bool:
        """Whether the interval holds the score of guessing."""
        score = self.score
        if score is None or self.chance is None or score.low is None:
            return False
        return score.low <= self.chance

    @property
    def at_majority(self) -> bool:
        """Whether the interval of an accuracy holds what answering the most frequent class always would score."""
        score, classes = self.score, self.classes
        if score is None or classes is None or score.low is None or abs(score.value - classes.accuracy) > 1e-6:
            return False
        return score.low <= classes.majority_share


@dataclass(frozen=True)
class TaskFormat:
    """How many answers to a held-out task take the target's format."""

    role: str
    shots: int
    ratio: Estimate | None
    """Share, 0 to 100; None without an answer."""
    base: Estimate | None
    """The pretrained model's, on the same documents; None if it was not asked the same."""
    documents: int


@dataclass(frozen=True)
class RowCosts:
    """What a row's training took: means over seeds, prerequisites and all tries of a sweep included.

    Of the tries only the chosen one counts for the numbers that were trained and for what is left to keep.
    """

    trained_parameters: int | None
    seconds: float | None
    peak_memory: int | None
    tokens: int | None
    artifact_bytes: int | None


@dataclass(frozen=True)
class Variation:
    """The variance components of a score, each as a standard error by itself; None: not known."""

    documents: float
    """With the choice of documents, for these seeds."""
    seeds: float | None
    """With the choice of seeds, documents' part taken off; None for one seed, or where no answer depends on it."""
    draws: float | None
    """The standard deviation between draws of exemplars, over rows that differ in `held_out.draw` alone."""


@dataclass(frozen=True)
class Row:
    """One experiment over its seeds."""

    name: str
    variant: str
    """Experiments of one name whose settings differ are rows of their own."""
    method: str
    settings: Mapping[str, Any]
    """The method block, resolved."""
    family: str
    source: str
    about: str
    targets: tuple[str, ...]
    changes: tuple[str, ...]
    """Settings of the track that this row changed: it is not on the track's terms."""
    seeds: tuple[int, ...]
    experiments: tuple[str, ...]
    """Ids, in the order of the seeds."""
    imported: bool
    target_scores: tuple[Cell, ...]
    held_out: tuple[Cell, ...]
    norm_avg: Mapping[int, Estimate | None]
    """Shots -> mean over the held-out tasks of their primary score; None if one is missing."""
    change: Mapping[int, Estimate | None]
    """Shots -> the held-out average minus the pretrained model's on the very same documents and prompts; None if it has
    not answered them all, and for the pretrained model itself: it is the control."""
    format_ratio: Estimate | None
    """Share (0 to 100) of held-out answers that take the format of a target, where the task has another: that begin
    with one of its labels, or are in its output language."""
    base_format_ratio: Estimate | None
    """The same for the pretrained model: the control."""
    costs: RowCosts
    missing: tuple[str, ...]
    """What was not measured; a row that misses something has no rank."""
    tries: int = 0
    """How many settings of a sweep this row is the best of, by the selection rows; 0: there was no sweep."""
    formats: tuple[Format, ...] = ()
    """The formats of its targets, as far as they have one."""
    format_by_task: tuple[TaskFormat, ...] = ()
    """`format_ratio` for each task that has another format, and shot count."""
    against: Mapping[int, Contrast | None] = field(default_factory=dict)
    """Shots -> `change` with its test, its parts from documents and from seeds, and the change that would be found."""
    corrected: Mapping[int, float | None] = field(default_factory=dict)
    """Shots -> the p of the change, corrected (Holm) for all changes that the rows of the same targets show; None where
    the change is not known, or zero by construction."""
    rank: Rank | None = None
    """By held-out average at the most shots, among complete rows of the same targets on the track's terms."""
    contenders: int = 0
    """How many rows were ranked together: the best of as many equal rows leads by chance (`stats.lead_by_chance`)."""
    variation: Mapping[int, Variation | None] = field(default_factory=dict)
    """Shots -> the variance components of the held-out average."""

    @property
    def slug(self) -> str:
        """A file name for this row, unique on its board."""
        return f"{re.sub(r'[^A-Za-z0-9_.-]+', '-', self.name)}-{self.variant[:8]}"


@dataclass(frozen=True)
class Board:
    """A track's table."""

    track: str
    title: str
    about: str
    shots: tuple[int, ...]
    """Shot counts of the held-out tasks."""
    roles: tuple[str, ...]
    """Held-out roles, in the track's order."""
    targets: tuple[str, ...]
    rows: tuple[Row, ...] = field(default=())
    """The pretrained model first, then by target, then by held-out average at the most shots; incomplete rows last."""
    deviations: tuple[str, ...] = ()
    """Where the track differs from the paper whose setting it has."""

    def rows_where(self, **values: object) -> tuple[Row, ...]:
        """The rows whose fields have these values, in the board's order."""
        return tuple(row for row in self.rows if all(getattr(row, name) == value for name, value in values.items()))
