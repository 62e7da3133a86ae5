"""The rows of a long table that its page leaves out. A script adds them on request."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from leaderboard.pages.track import TableLine, TrackPage
from leaderboard.view.cells import CellView, Note
from leaderboard.view.urls import TrackUrls


def overflow_rows(page: TrackPage) -> list[dict[str, Any]] | None:
    """For each table of a page, the rows that it leaves out and the number of drawn cells; None if no row is left."""
    if not any(table.rest for table in page.tables):
        return None
    return [
        {"plain": table.plain, "rows": [_line(page.urls, line, table.plain) for line in table.rest]}
        for table in page.tables
    ]


def _line(urls: TrackUrls, line: TableLine, plain: int) -> dict[str, Any]:
    parameters = line.row.costs.trained_parameters
    return {
        "at": line.index,
        "key": urls.key(line.row),
        "family": line.row.family,
        "parameters": "" if parameters is None else str(parameters),
        "name": line.row.name,
        "href": line.href,
        "method": [line.row.method, line.method],
        "about": line.subtitle,
        "unlearned": int(line.unlearned),
        "front": int(line.on_front),
        "gain": line.gain,
        "kept": line.kept,
        "rank": [line.rank.text, line.rank.sort, line.rank.title],
        "marks": _notes(line.marks),
        "cells": [_cell(cell, at < plain) for at, cell in enumerate(line.cells)],
    }


def _cell(cell: CellView, drawn: bool) -> list[Any]:
    """[text, sort key, title, margin, what the interval is over, whisker, notes, verdict], without empty values at the
    end."""
    whisker = drawn and cell.whisker and [cell.whisker.at, cell.whisker.low, cell.whisker.high, cell.whisker.zero]
    title = cell.title if drawn or not cell.sort else ""
    values: list[Any] = [
        cell.text,
        cell.sort,
        title,
        cell.margin,
        cell.over,
        whisker or 0,
        _notes(cell.notes),
        cell.verdict,
    ]
    while values and not values[-1]:
        values.pop()
    return values


def _notes(notes: Sequence[Note]) -> list[list[Any]]:
    return [[note.text, note.title, int(note.warning)] for note in notes]
