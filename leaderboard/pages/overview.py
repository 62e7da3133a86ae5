"""The front page: a summary of each track, with its best rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from leaderboard.view import cells, numbers
from leaderboard.view.badges import RankCell, in_common, learned, origin, rank_cell, target_groups, unlearned
from leaderboard.view.cells import CellView, Note
from leaderboard.view.legend import LegendItem, legend
from leaderboard.view.unwritable import UnwritableTask, unwritable_tasks
from leaderboard.view.urls import TrackUrls
from suite.analysis.board import BASELINE, Row

GROUPS, ROWS = 4, 4


@dataclass(frozen=True)
class OverviewLine:
    """A row on the front page."""

    rank: RankCell
    row: Row
    href: str
    unlearned: bool
    """Whether it learned too little to be ranked."""
    marks: tuple[Note, ...]
    cells: tuple[CellView, ...]


@dataclass(frozen=True)
class OverviewGroup:
    """The best rows of the same targets, after the control."""

    targets: str
    lines: tuple[OverviewLine, ...]
    common: tuple[Note, ...]
    """Marks that all lines share; they are shown once."""


@dataclass(frozen=True)
class TrackCard:
    """A track."""

    urls: TrackUrls
    shots: str
    rows: int
    groups: tuple[OverviewGroup, ...]
    omitted: int
    """Number of further groups of targets."""
    unwritable: tuple[UnwritableTask, ...]
    """Targets and held-out tasks with right answers that the model cannot write."""
    legend: tuple[LegendItem, ...]
    """The marks in its tables."""


def card(urls: TrackUrls) -> TrackCard:
    """A track's summary."""
    board = urls.board
    targets = target_groups(board)
    groups = tuple(_group(urls, group) for group in targets[:GROUPS])
    shots = numbers.shots(board.shots[-1]) if board.shots else ""
    lines = [line for group in groups for line in group.lines]
    marks = [mark for line in lines for mark in line.marks]
    items = legend((cell for line in lines for cell in line.cells), marks)
    unwritable = unwritable_tasks(cell for row in board.rows for cell in (*row.target_scores, *row.held_out))
    return TrackCard(urls, shots, len(board.rows), groups, len(targets) - len(groups), unwritable, items)


def _group(urls: TrackUrls, targets: tuple[str, ...]) -> OverviewGroup:
    on_terms = [row for row in urls.board.rows_where(targets=targets) if not row.missing and not row.changes]
    rows = [row for row in on_terms if row.method != BASELINE]
    control = [row for row in urls.board.rows if row.method == BASELINE][:1]
    lines = [_best(urls, row, targets) for row in (*control, *rows[:ROWS])]
    common = in_common([line.marks for line in lines])
    own = tuple(replace(line, marks=tuple(mark for mark in line.marks if mark not in common)) for line in lines)
    return OverviewGroup(", ".join(targets), own, common)


def _best(urls: TrackUrls, row: Row, targets: Sequence[str]) -> OverviewLine:
    most = urls.board.shots[-1] if urls.board.shots else 0
    scores = [cell for cell in row.target_scores if cell.role in targets]
    several = cells.missing("several targets: see the track’s page")
    target = cells.gained(scores[0], row, "not measured") if len(scores) == 1 else several
    marks = (*origin(row, urls.shipped), *learned(row))
    shown = (target, cells.kept(row, most, "not every held-out task was measured"), *cells.costs(row)[:3])
    return OverviewLine(rank_cell(row, urls.board.shots), row, urls.row(row), unlearned(row), marks, shown)
