"""What a leaderboard is made of. A number that could not be measured is None, and `missing` says why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from suite.stats import Measured
from suite.store import ExperimentRecord


@dataclass(frozen=True)
class Column:
    """A task at a shot count."""

    role: str
    shots: int
    task: str
    metric: str
    chance: float | None
    """What guessing scores, where that is known."""


@dataclass(frozen=True)
class SeedScore:
    """A primary score of one seed's step."""

    seed: int
    step: str
    metric: str
    value: float
    stderr: float | None
    n: int
    """Documents."""
    unparsable: int
    truncated: int


@dataclass(frozen=True)
class Cell:
    """A task's primary score over a row's seeds."""

    score: Measured | None
    seeds: tuple[SeedScore, ...]


@dataclass(frozen=True)
class FormatRatio:
    """How often held-out tasks are answered in the target's format: the share of answers that begin with a label of it."""

    share: Measured
    """Per cent."""
    control: Measured | None
    """The pretrained model's share on the same questions; None if it has not answered them."""
    labels: tuple[str, ...]
    counted: tuple[str, ...]
    """The held-out roles whose answers are counted."""
    left_out: tuple[str, ...]
    """Those that are not: their own answers are of these labels, or are no texts."""


@dataclass(frozen=True)
class RowCosts:
    """What training took: means over seeds of seconds and tokens, maxima of the rest. None: not trained, or not known."""

    trained_parameters: int | None = None
    artifact_bytes: int | None = None
    train_seconds: float | None = None
    train_tokens: float | None = None
    peak_memory: int | None = None
    """Bytes, the largest of the train steps."""
    answer_seconds: float | None = None
    """Of all evaluations of a seed; shared ones count fully."""
    devices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Row:
    """An experiment over its seeds, tested on a group's targets."""

    name: str
    label: str
    """The name, with a mark where rows of several settings bear it."""
    note: str
    """How its settings differ from the newest ones of that name; empty for the newest."""
    method: str
    family: str
    targets: tuple[str, ...]
    source: str
    about: str
    changes: tuple[str, ...]
    """Keys in which its terms differ from the track's."""
    imported: bool
    """Whether any of its numbers was measured elsewhere."""
    reference: bool
    """Whether it is the pretrained model, which the others are compared with."""
    experiments: tuple[ExperimentRecord, ...]
    """One a seed, in order."""
    target: Measured | None
    """The mean of the targets' primary scores."""
    norm_avg: Mapping[int, Measured | None]
    """Shots -> the mean of the held-out roles' primary scores."""
    change: Mapping[int, Measured | None]
    """Shots -> that, less the pretrained model's on the same questions."""
    cells: Mapping[tuple[str, int], Cell]
    """(role, shots) -> its scores, for targets and held-out roles."""
    format_ratio: FormatRatio | None
    costs: RowCosts
    missing: tuple[str, ...]
    """What is missing and why, a line each. A row that misses something is listed last."""

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds it was planned for."""
        return tuple(experiment.seed for experiment in self.experiments)


@dataclass(frozen=True)
class Group:
    """Rows that were trained for the same targets, the pretrained model first."""

    targets: tuple[str, ...]
    columns: tuple[Column, ...]
    """Targets, then held-out roles by shot count."""
    shots: tuple[int, ...]
    """Shot counts of the held-out roles."""
    rows: tuple[Row, ...]

    def held_out(self, shots: int | None = None) -> tuple[Column, ...]:
        """The held-out columns (of a shot count)."""
        columns = (column for column in self.columns if column.role not in self.targets)
        return tuple(column for column in columns if shots in (None, column.shots))


@dataclass(frozen=True)
class Board:
    """One track's leaderboard: comparable rows, group by group."""

    track: str
    title: str
    about: str
    groups: tuple[Group, ...]
