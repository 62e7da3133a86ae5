"""Lenient scores on a page, beside the scores that count: how much of a change is format."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from leaderboard.view import cells, numbers
from leaderboard.view.cells import CellView
from leaderboard.view.urls import TrackUrls
from suite.analysis.board import BASELINE, Cell, Row


@dataclass(frozen=True)
class LenientLine:
    """A task at a shot count, or a row on a task."""

    name: str
    href: str
    shots: int
    reading: str
    """What counts as the answer."""
    score: CellView
    lenient: CellView
    format_gain: CellView
    is_control: bool = False


def lenient_lines(urls: TrackUrls, row: Row) -> tuple[LenientLine, ...]:
    """A row's tasks that have a lenient score."""
    shown = [cell for cell in (*row.target_scores, *row.held_out) if cell.lenient]
    return tuple(_line(cell.role, urls.task(cell.role), row, cell) for cell in shown)


def lenient_rows(urls: TrackUrls, role: str, shots: Sequence[int]) -> tuple[LenientLine, ...]:
    """The rows that have a lenient score on a task, for each shot count; empty for a task without a lenient reading."""
    return tuple(
        _line(row.name, urls.row(row), row, cell)
        for count in shots
        for row in urls.board.rows
        for cell in (*row.target_scores, *row.held_out)
        if (cell.role, cell.shots) == (role, count) and cell.lenient
    )


def _line(name: str, href: str, row: Row, cell: Cell) -> LenientLine:
    assert cell.lenient is not None
    gain, control, seeds = cell.lenient.format_gain, row.method == BASELINE, len(row.seeds)
    why = "others are compared with the pretrained model" if control else "the pretrained model was not asked the same"
    reach = 1.0 if gain is None else max(gain.reach, 1.0)
    return LenientLine(
        name=name,
        href=href,
        shots=cell.shots,
        reading=cell.lenient.reading,
        score=cells.estimate(
            cell.score, f"not measured: {cell.role}, {numbers.shots(cell.shots)}", seeds=seeds, documents=cell.documents
        ),
        lenient=cells.estimate(cell.lenient.score, "", seeds=seeds, documents=cell.documents),
        format_gain=cells.estimate(gain, why, span=(-reach, reach), signed=True, seeds=seeds, documents=cell.documents),
        is_control=control,
    )
