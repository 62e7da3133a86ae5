"""A method's page: its description, its sources, and all its results on every track."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from leaderboard.view import cells, numbers
from leaderboard.view.badges import marks
from leaderboard.view.cells import CellView, Note
from leaderboard.view.legend import LegendItem, legend
from leaderboard.view.urls import TrackUrls
from suite.analysis.board import Board, Row


@dataclass(frozen=True)
class MethodLine:
    """A row of the method."""

    row: Row
    href: str
    targets: str
    marks: tuple[Note, ...]
    cells: tuple[CellView, ...]


@dataclass(frozen=True)
class MethodTrack:
    """The method's rows on a track."""

    title: str
    href: str
    shots: str
    lines: tuple[MethodLine, ...]
    legend: tuple[LegendItem, ...]
    """The marks in its table."""


@dataclass(frozen=True)
class MethodPage:
    """The page."""

    name: str
    family: str
    about: tuple[str, ...]
    """Paragraphs."""
    sources: tuple[str, ...]
    """Papers and tables that its rows reproduce."""
    specs: tuple[str, ...]
    """The names of its rows' specs."""
    tracks: tuple[MethodTrack, ...]


def method_names(tracks: Sequence[TrackUrls]) -> tuple[str, ...]:
    """The names of all methods that have a row."""
    return tuple(sorted({row.method for urls in tracks for row in urls.board.rows}))


def method_page(name: str, tracks: Sequence[TrackUrls], docstring: str) -> MethodPage:
    """A method over all tracks. `docstring` is the docstring of its module."""
    rows = [row for urls in tracks for row in urls.board.rows if row.method == name]
    paragraphs = tuple(" ".join(part.split()) for part in docstring.split("\n\n") if part.strip())
    return MethodPage(
        name=name,
        family=next((row.family for row in rows if row.family and row.family != "none"), ""),
        about=paragraphs or tuple(dict.fromkeys(row.about for row in rows if row.about))[:3],
        sources=tuple(dict.fromkeys(row.source for row in rows if row.source)),
        specs=tuple(dict.fromkeys(row.name for row in rows)),
        tracks=tuple(track for urls in tracks if (track := _track(name, urls)).lines),
    )


def _track(name: str, urls: TrackUrls) -> MethodTrack:
    board = urls.board
    lines = tuple(_line(board, urls, row) for row in board.rows if row.method == name)
    items = legend((cell for line in lines for cell in line.cells), (mark for line in lines for mark in line.marks))
    return MethodTrack(board.title, urls.page, numbers.shots(board.shots[-1]) if board.shots else "", lines, items)


def _line(board: Board, urls: TrackUrls, row: Row) -> MethodLine:
    most = board.shots[-1] if board.shots else 0
    first = row.target_scores[0] if len(row.target_scores) == 1 else None
    shown = (
        cells.gained(first, row, "several targets: see its page" if row.target_scores else "not measured"),
        cells.kept(row, most, "not every held-out task was measured", _span(row, most)),
        *cells.costs(row),
    )
    return MethodLine(row, urls.row(row), ", ".join(row.targets), marks(row, urls.shipped), shown)


def _span(row: Row, shots: int) -> tuple[float, float]:
    change = row.change.get(shots)
    reach = change.reach if change else 0.0
    return (-(reach or 1.0), reach or 1.0)
