"""What a page shows of the format ratio: why there is none, and task by task beside the pretrained model's."""

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
    """Where its answers are shown."""


@dataclass(frozen=True)
class FormatTable:
    """The format ratio of a row, task by task."""

    formats: tuple[tuple[str, str], ...]
    """(target, how its answers are told)."""
    lines: tuple[FormatLine, ...]


def format_table(urls: TrackUrls, row: Row) -> FormatTable | None:
    """A row's table; None where it has no format ratio."""
    if not row.format_by_task:
        return None
    seeds, unasked = len(row.seeds), "the pretrained model was not asked the same"
    lines = tuple(
        FormatLine(
            role=each.role,
            href=urls.task(each.role),
            shots=each.shots,
            ratio=cells.estimate(each.ratio, "no answers", seeds=seeds, documents=each.documents),
            base=cells.estimate(each.base, unasked, documents=each.documents),
            documents=each.documents,
            answers=urls.answers(row, each.role, each.shots),
        )
        for each in row.format_by_task
    )
    return FormatTable(tuple((each.target, each.told()) for each in row.formats), lines)


def format_grid(urls: TrackUrls, rows: Sequence[Row]) -> Grid | None:
    """Rows by held-out tasks at the most shots, shaded from 0 to 100; None where no row has a format ratio."""
    told = [row for row in rows if row.format_by_task]
    if not told:
        return None
    shots = max(each.shots for row in told for each in row.format_by_task)
    roles = [role for role in urls.board.roles if any(_cell(row, role, shots).text != numbers.MISSING for row in told)]
    lines = tuple((row.name, urls.row(row), tuple(_cell(row, role, shots) for role in roles)) for row in told[:MOST])
    columns = tuple((role, urls.task(role)) for role in roles)
    return Grid(numbers.shots(shots), columns, lines, max(0, len(told) - MOST))


def _cell(row: Row, role: str, shots: int) -> HeatCell:
    found = next((each for each in row.format_by_task if (each.role, each.shots) == (role, shots)), None)
    if found is None or found.ratio is None:
        return HeatCell(
            numbers.MISSING,
            title="not looked for here: the task’s own answers have this format, or are too short to tell",
        )
    base = f"; pretrained {numbers.score(found.base.value)}" if found.base else ""
    title = f"{numbers.score(found.ratio.value)} % of {found.documents} answers{base}"
    return HeatCell(numbers.score(found.ratio.value), round(LEVELS * found.ratio.value / 100), title)


def why_none(row: Row) -> str:
    """Why a row has no format ratio."""
    if row.method == BASELINE:
        return "it was trained for no format"
    if not row.formats:
        return "its targets’ answers have no format of their own: neither labels, nor an output language that is known"
    return "needs all answers to held-out tasks that have another format"
