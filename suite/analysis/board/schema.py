"""The parts of a board: rows, cells and costs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from suite.analysis.board.classification import Classification
from suite.core.board_terms import LEARNED_SHARE
from suite.core.formats import Format
from suite.stats import Contrast, Estimate, Rank

BASELINE = "pretrained"


@dataclass(frozen=True)
class LenientScore:
    """The lenient score of a task at a shot count."""

    reading: str
    """What also counts as the answer: `the last number`, or what a filter pipeline reads."""
    score: Estimate
    format_gain: Estimate | None = None
    """Points of the change from the pretrained model that only the format explains: the change of the score, minus that
    of the lenient score, on the same documents. None if it is not known."""


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
    """Number of distinct documents. Each document counts in the score; equal documents count as one in its interval."""
    unparsable: int
    """Answers that could not be parsed, over all seeds; they are scored as wrong."""
    classes: Classification | None = None
    """The answers by class; None for a task without labels, or if right answers are not stored."""
    lenient: LenientScore | None = None
    """The lenient score; None for a task without a lenient reading, or if right answers are not stored."""
    unwritable: int = 0
    """Documents whose right answers the model cannot write: its tokenizer lacks them, or they exceed the limit."""

    @property
    def at_chance(self) -> bool:
        """Whether the score is not shown to be above chance: the lower end of its interval is at or below chance."""
        score = self.score
        if score is None or self.chance is None or score.low is None:
            return False
        return score.low <= self.chance

    @property
    def below_chance(self) -> bool:
        """Whether the whole interval lies below the score of guessing."""
        score = self.score
        return score is not None and self.chance is not None and score.high is not None and score.high < self.chance

    @property
    def at_majority(self) -> bool:
        """Whether an accuracy is not shown to be above that of always answering the majority class."""
        score, classes = self.score, self.classes
        if score is None or classes is None or score.low is None or abs(score.value - classes.accuracy) > 1e-6:
            return False
        return score.low <= classes.majority_share


@dataclass(frozen=True)
class TaskFormat:
    """The share of answers to a held-out task that take the target's format."""

    role: str
    shots: int
    ratio: Estimate | None
    """Share, 0 to 100; None without an answer."""
    base: Estimate | None
    """The pretrained model's share on the same documents; None if it had other questions."""
    documents: int


@dataclass(frozen=True)
class RowCosts:
    """The costs of a row's training: means over seeds, including prerequisites and all tries of a sweep.

    Trained parameters and artifact bytes count only the chosen try.
    """

    trained_parameters: int | None
    seconds: float | None
    peak_memory: int | None
    tokens: int | None
    artifact_bytes: int | None


@dataclass(frozen=True)
class Variation:
    """The variance components of a score, each as a standard error of its own; None: not known."""

    documents: float
    """From the choice of documents, for these seeds."""
    seeds: float | None
    """From the choice of seeds, without the part of documents. None for one seed, or if no answer depends on it."""
    draws: float | None
    """From the draw of exemplars: the standard deviation over rows that differ in `held_out.draw` alone."""


Standing = Literal["learned", "on the front", "learned less", "did not learn"]
"""`learned`: at least the track's share of the best gain (`learned_share`). `on the front`: less, but no row is ahead
of it in gained and kept and shown to be better in one of them. `did not learn`: on no target is a gain shown and a
score above guessing, or the mean gain is not above zero."""


@dataclass(frozen=True)
class Learning:
    """What a row learned of its targets, beside the rows with the same targets."""

    gain: float
    """Mean change of the targets' scores from the pretrained model's, in points."""
    share: float | None
    """The gain over the best one of the complete rows on the track's terms that were asked alike; None if no row
    learned."""
    standing: Standing
    unlearned: tuple[str, ...] = ()
    """Targets with no gain that is shown, or with a score that is not shown to be above guessing."""


@dataclass(frozen=True)
class Row:
    """One experiment over its seeds."""

    name: str
    variant: str
    """A hash of the settings. Experiments with the same name and different settings are different rows."""
    method: str
    settings: Mapping[str, Any]
    """The resolved method block."""
    family: str
    source: str
    about: str
    targets: tuple[str, ...]
    changes: tuple[str, ...]
    """Settings of the track that this row changed; such a row is not on the track's terms."""
    seeds: tuple[int, ...]
    experiments: tuple[str, ...]
    """Ids of its experiments, in the order of the seeds."""
    imported: bool
    target_scores: tuple[Cell, ...]
    held_out: tuple[Cell, ...]
    norm_avg: Mapping[int, Estimate | None]
    """Shots -> mean primary score over the held-out tasks; None if one is missing."""
    change: Mapping[int, Estimate | None]
    """Shots -> the held-out average minus the pretrained model's on the same documents and prompts. None if the
    pretrained model did not answer them all, and for the pretrained model itself."""
    format_ratio: Estimate | None
    """Share (0 to 100) of answers to held-out tasks with another format that take a target's format: they begin with
    one of its labels, or are in its output language."""
    base_format_ratio: Estimate | None
    """The format ratio of the pretrained model, as the control."""
    costs: RowCosts
    missing: tuple[str, ...]
    """Measurements that do not exist. A row with any of them has no rank."""
    tries: int = 0
    """Number of tries in a sweep from which this row was chosen on the selection rows; 0 without a sweep."""
    formats: tuple[Format, ...] = ()
    """The formats of its targets; targets without a known format are left out."""
    format_by_task: tuple[TaskFormat, ...] = ()
    """The format ratio for each task that has another format, and each shot count."""
    against: Mapping[int, Contrast | None] = field(default_factory=dict)
    """Shots -> `change` with its test, its variance components (documents, seeds) and its minimum detectable effect."""
    gained: Mapping[str, Contrast | None] = field(default_factory=dict)
    """Target -> its score minus the pretrained model's on the same documents and prompts. None if the pretrained model
    was not asked the same, and for the pretrained model itself."""
    corrected: Mapping[int, float | None] = field(default_factory=dict)
    """Shots -> p-value of the change, corrected (Holm) for all changes of rows with the same targets. None if the
    change is not known, or zero by construction."""
    corrected_gains: Mapping[str, float | None] = field(default_factory=dict)
    """Target -> p-value of its gain, corrected (Holm) for all gains of rows with the same targets. None as above."""
    rank: Rank | None = None
    """Rank by held-out average at the most shots, among complete rows on the track's terms that learned the same
    targets."""
    contenders: int = 0
    """Number of rows ranked together. The best of that many equal rows leads by chance (`stats.lead_by_chance`)."""
    learning: Learning | None = None
    """What it learned; None if a gain is not known, and for the pretrained model."""
    variation: Mapping[int, Variation | None] = field(default_factory=dict)
    """Shots -> the variance components of the held-out average."""
    devices: tuple[str, ...] = ()
    """The classes of devices that computed it: `cpu`, or models of GPUs."""

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
    """The pretrained model first, then by target: rows that learned by held-out average at the most shots, those on the
    front and those that learned less by gain, those that did not learn; incomplete rows last."""
    deviations: tuple[str, ...] = ()
    """Differences between the track and the paper whose setting it has."""
    learned_share: float = LEARNED_SHARE
    """The share of the best gain that a row needs to have learned its targets."""

    @property
    def mixed_devices(self) -> bool:
        """Whether not all rows were computed on the same classes of devices, as far as these are known."""
        return len({row.devices for row in self.rows if row.devices}) > 1

    def rows_where(self, **values: object) -> tuple[Row, ...]:
        """The rows whose fields have these values, in the board's order."""
        return tuple(row for row in self.rows if all(getattr(row, name) == value for name, value in values.items()))
