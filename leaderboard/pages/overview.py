"""The front page: a summary of each track, with its best rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from leaderboard.view import cells, numbers
from leaderboard.view.badges import RankCell, origin, rank_cell, target_groups
from leaderboard.view.cells import CellView, Note
from leaderboard.view.urls import TrackUrls
from suite.analysis.board import BASELINE, Row

GROUPS, ROWS = 4, 3


@dataclass(frozen=True)
class OverviewLine:
    """A row on the front page."""

    rank: RankCell
    row: Row
    href: str
    marks: tuple[Note, ...]
    cells: tuple[CellView, ...]


@dataclass(frozen=True)
class OverviewGroup:
    """The best rows of the same targets, after the control."""

    targets: str
    lines: tuple[OverviewLine, ...]


@dataclass(frozen=True)
class TrackCard:
    """A track."""

    urls: TrackUrls
    shots: str
    rows: int
    groups: tuple[OverviewGroup, ...]
    omitted: int
    """Number of further groups of targets."""


def card(urls: TrackUrls) -> TrackCard:
    """A track's summary."""
    board = urls.board
    targets = target_groups(board)
    groups = tuple(_group(urls, group) for group in targets[:GROUPS])
    shots = numbers.shots(board.shots[-1]) if board.shots else ""
    return TrackCard(urls, shots, len(board.rows), groups, len(targets) - len(groups))


def _group(urls: TrackUrls, targets: tuple[str, ...]) -> OverviewGroup:
    ranked = [(row.rank.place, row) for row in urls.board.rows if row.targets == targets and row.rank]
    rows = [row for _, row in sorted(ranked, key=lambda rank_and_row: rank_and_row[0])]
    control = [row for row in urls.board.rows if row.method == BASELINE][:1]
    lines = [_best(urls, row, targets) for row in (*control, *rows[:ROWS])]
    return OverviewGroup(", ".join(targets), tuple(lines))


def _best(urls: TrackUrls, row: Row, targets: Sequence[str]) -> OverviewLine:
    most, seeds = urls.board.shots[-1] if urls.board.shots else 0, len(row.seeds)
    scores = [cell for cell in row.target_scores if cell.role in targets]
    target = cells.task(scores[0], row, "not measured") if len(scores) == 1 else cells.missing("several targets")
    kept = cells.estimate(row.norm_avg.get(most), "not every held-out task was measured", seeds=seeds)
    marks = origin(row, urls.shipped)
    return OverviewLine(
        rank_cell(row, urls.board.shots), row, urls.row(row), marks, (target, kept, *cells.costs(row)[:2])
    )
