"""The format ratio on a page: the reason if there is none, and the ratio task by task beside the pretrained model's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from leaderboard.charts.grid import MOST, Grid
from leaderboard.charts.heatmap import LEVELS, HeatCell
from leaderboard.view import cells, numbers
from leaderboard.view.cells import CellView
from leaderboard.view.urls import TrackUrls
from suite.analysis.board import BASELINE, Row


@dataclass(frozen=True)
class FormatLine:
    """A held-out task at a shot count."""

    role: str
    href: str
    """The task's page."""
    shots: int
    ratio: CellView
    base: CellView
    documents: int
    answers: str
    """Link to its answers."""


@dataclass(frozen=True)
class FormatTable:
    """The format ratio of a row, task by task."""

    formats: tuple[tuple[str, str], ...]
    """(target, description of its answer format)."""
    lines: tuple[FormatLine, ...]


def format_table(urls: TrackUrls, row: Row) -> FormatTable | None:
    """A row's table; None if it has no format ratio."""
    if not row.format_by_task:
        return None
    seeds, unasked = len(row.seeds), "the pretrained model was not asked the same"
    lines = tuple(
        FormatLine(
            role=task.role,
            href=urls.task(task.role),
            shots=task.shots,
            ratio=cells.estimate(task.ratio, "no answers", seeds=seeds, documents=task.documents),
            base=cells.estimate(task.base, unasked, documents=task.documents),
            documents=task.documents,
            answers=urls.answers(row, task.role, task.shots),
        )
        for task in row.format_by_task
    )
    return FormatTable(tuple((format_.target, format_.told()) for format_ in row.formats), lines)


def format_grid(urls: TrackUrls, rows: Sequence[Row]) -> Grid | None:
    """Rows by held-out tasks at the most shots, shaded from 0 to 100; None if no row has a format ratio."""
    shown_rows = [row for row in rows if row.format_by_task]
    if not shown_rows:
        return None
    shots = max(task.shots for row in shown_rows for task in row.format_by_task)
    roles = [
        role for role in urls.board.roles if any(_cell(row, role, shots).text != numbers.MISSING for row in shown_rows)
    ]
    lines = tuple(
        (row.name, urls.row(row), tuple(_cell(row, role, shots) for role in roles)) for row in shown_rows[:MOST]
    )
    columns = tuple((role, urls.task(role)) for role in roles)
    return Grid(numbers.shots(shots), columns, lines, max(0, len(shown_rows) - MOST))


def _cell(row: Row, role: str, shots: int) -> HeatCell:
    task = next(
        (candidate for candidate in row.format_by_task if (candidate.role, candidate.shots) == (role, shots)), None
    )
    if task is None or task.ratio is None:
        return HeatCell(
            numbers.MISSING,
            title="not measured: the task’s own answers have this format, or are too short to tell",
        )
    base = f"; pretrained {numbers.score(task.base.value)}" if task.base else ""
    title = f"{numbers.score(task.ratio.value)} % of {task.documents} answers{base}"
    return HeatCell(numbers.score(task.ratio.value), round(LEVELS * task.ratio.value / 100), title)


def why_none(row: Row) -> str:
    """The reason why a row has no format ratio."""
    if row.method == BASELINE:
        return "it was trained for no format"
    if not row.formats:
        return "its targets have neither labels nor a known output language"
    return "not measured: answers to a held-out task are missing"
