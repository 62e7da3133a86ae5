"""The front page: each track in a few lines, with its best rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from leaderboard.view import cells, numbers
from leaderboard.view.badges import Ranked, origin, ranked, target_groups
from leaderboard.view.cells import Note, Shown
from leaderboard.view.urls import Place
from suite.analysis.board import BASELINE, Row

GROUPS, ROWS = 4, 3


@dataclass(frozen=True)
class Best:
    """A row on the front page."""

    rank: Ranked
    row: Row
    href: str
    marks: tuple[Note, ...]
    cells: tuple[Shown, ...]


@dataclass(frozen=True)
class Group:
    """The best rows of the same targets, after the control."""

    targets: str
    lines: tuple[Best, ...]


@dataclass(frozen=True)
class Card:
    """A track."""

    place: Place
    shots: str
    rows: int
    groups: tuple[Group, ...]
    left_out: int
    """Further groups of targets."""


def card(place: Place) -> Card:
    """A track in a few lines."""
    board = place.board
    targets = target_groups(board)
    groups = tuple(_group(place, each) for each in targets[:GROUPS])
    shots = numbers.shots(board.shots[-1]) if board.shots else ""
    return Card(place, shots, len(board.rows), groups, len(targets) - len(groups))


def _group(place: Place, targets: tuple[str, ...]) -> Group:
    found = [(row.rank.place, row) for row in place.board.rows if row.targets == targets and row.rank]
    rows = [row for _, row in sorted(found, key=lambda each: each[0])]
    control = [row for row in place.board.rows if row.method == BASELINE][:1]
    lines = [_best(place, row, targets) for row in (*control, *rows[:ROWS])]
    return Group(", ".join(targets), tuple(lines))


def _best(place: Place, row: Row, targets: Sequence[str]) -> Best:
    most, seeds = place.board.shots[-1] if place.board.shots else 0, len(row.seeds)
    scores = [cell for cell in row.target_scores if cell.role in targets]
    target = cells.task(scores[0], row, "not measured") if len(scores) == 1 else cells.missing("several targets")
    kept = cells.estimate(row.norm_avg.get(most), "not every held-out task was measured", seeds=seeds)
    marks = origin(row, place.shipped)
    return Best(ranked(row, place.board.shots), row, place.row(row), marks, (target, kept, *cells.costs(row)[:2]))
