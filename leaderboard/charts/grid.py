"""Rows by held-out tasks as a shaded table: shows where each row gained and lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from leaderboard.charts.heatmap import LEVELS, HeatCell
from leaderboard.view import numbers
from leaderboard.view.urls import TrackUrls
from suite.analysis.board import Row

MOST = 60
"""The most rows of the table: longer ones are searched with the filter, not read."""


@dataclass(frozen=True)
class Grid:
    """The table at the most shots."""

    label: str
    columns: tuple[tuple[str, str], ...]
    """(role, its page)."""
    rows: tuple[tuple[str, str, tuple[HeatCell, ...]], ...]
    """(name, its page, one cell for each task)."""
    omitted: int


def grid(urls: TrackUrls, rows: Sequence[Row]) -> Grid | None:
    """Scores of rows, each column shaded from its lowest to its highest; None if there are no held-out tasks."""
    board = urls.board
    if not board.shots or not rows:
        return None
    shots = board.shots[-1]
    shown = rows[:MOST]
    table = [[_value(row, role, shots) for role in board.roles] for row in shown]
    ends = [_ends([line[column] for line in table]) for column in range(len(board.roles))]
    lines = tuple(
        (row.name, urls.row(row), tuple(_cell(value, *end) for value, end in zip(line, ends, strict=True)))
        for row, line in zip(shown, table, strict=True)
    )
    columns = tuple((role, urls.task(role)) for role in board.roles)
    return Grid(numbers.shots(shots), columns, lines, len(rows) - len(shown))


def _value(row: Row, role: str, shots: int) -> float | None:
    cell = next((cell for cell in row.held_out if (cell.role, cell.shots) == (role, shots)), None)
    return cell.score.value if cell and cell.score else None


def _ends(values: Sequence[float | None]) -> tuple[float, float]:
    measured = [value for value in values if value is not None]
    return (min(measured), max(measured)) if measured else (0.0, 0.0)


def _cell(value: float | None, low: float, high: float) -> HeatCell:
    if value is None:
        return HeatCell(numbers.MISSING, title="not measured")
    level = (
        round(LEVELS * (value - low) / (high - low)) if high - low >= 1.0 else 0
    )  # smaller differences are not shaded
    return HeatCell(numbers.score(value), level)
