"""Tables for a terminal: aligned columns, as many as fit."""

from __future__ import annotations

import re
import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from suite.core.console import visible
from suite.core.escape import markdown

GAP = "  "
LEAST_NAME: Final = 12
ALL: Final = "--wide of show, board and compare prints all"
SHOTS: Final = re.compile(r" \d+-shot$")
INTERVAL: Final = (
    "±: half of the 95% interval, over documents (and seeds, where there are several); [low, high]: the interval, "
    "where its halves differ; –: not measured"
)

Cell = str | tuple[str, ...]
"""A text; parts of one may stand below each other where room is short."""


@dataclass(frozen=True)
class TerminalColumn:
    """A column of a table, and what becomes of it on a narrow terminal."""

    head: str
    cells: Sequence[Cell]
    leaves: int | None = None
    """Where room is short, columns of low numbers are left out first, equal ones together; None: never."""
    legend: str = ""
    """What it says, for those who see it."""
    cut: bool = False
    """Whether its texts are cut at last: names, of which the beginning tells enough."""


def room(*, wide: bool = False) -> int | None:
    """Width of the terminal in columns; None if lines may have any length: for a pipe, a file, or with `wide`."""
    there = sys.stdout is not None and sys.stdout.isatty()  # None if standard output was closed before the start
    return shutil.get_terminal_size().columns if there and not wide else None


def aligned(lines: Sequence[Sequence[str]]) -> Iterator[str]:
    """Lines of a table, its columns in line, with a rule below the first. No cell steers the terminal."""
    columns = [TerminalColumn(head, texts) for head, *texts in zip(*lines, strict=True)]
    yield from _drawn([_column(column) for column in columns])


@dataclass(frozen=True)
class Fitted:
    """A table as it is printed."""

    lines: tuple[str, ...]
    legends: tuple[str, ...]
    """Of the columns that are shown."""


def fitted(columns: Sequence[TerminalColumn], width: int | None) -> Fitted:
    """A table within a width.

    Where it is too wide, heads and cells are broken over lines. Then columns are left out until the rest fits, and a
    line says which. At last names are cut. Without a width nothing of that is done.
    """
    shown, texts = list(columns), [_column(column) for column in columns]
    if width is not None and _total(texts) > width:
        shown = _fitting(columns, width)
        texts = _with_cut_names(shown, [_broken(column) for column in shown], width)
    lines = [line if width is None else _cut(line, width) for line in _drawn(texts)]
    if len(shown) < len(columns):
        heads = [column.head for column in shown]
        omitted = [column.head for column in columns if column.head not in heads]
        lines += wrapped([f"left out to fit the terminal: {', '.join(_short(omitted, heads))} ({ALL})"], width)
    return Fitted(tuple(lines), tuple(dict.fromkeys(column.legend for column in shown if column.legend)))


def with_legends(tables: Sequence[Fitted], width: int | None) -> Iterator[str]:
    """Some tables, and below them what their columns mean, each once."""
    for made in tables:
        yield from made.lines
    if tables:
        yield from wrapped(dict.fromkeys([*(legend for made in tables for legend in made.legends), INTERVAL]), width)
        yield ""


def markdown_lines(columns: Sequence[TerminalColumn]) -> Iterator[str]:
    """A table in Markdown with all columns. No cell has markup of its own."""
    texts = [[markdown(_joined(cell)) for cell in (column.head, *column.cells)] for column in columns]
    for number, line in enumerate(zip(*texts, strict=True)):
        yield f"| {' | '.join(line)} |"
        if number == 0:
            yield "|---" * len(columns) + "|"


def _fitting(columns: Sequence[TerminalColumn], width: int) -> list[TerminalColumn]:
    """The columns that fit, the important ones first; of little ones those that there is still room for."""
    least = {column.leaves for column in columns if column.leaves is not None}
    chosen: set[int | None] = {None}
    for leaves in sorted(least, reverse=True):
        more = [column for column in columns if column.leaves in chosen | {leaves}]
        if _total([_least(column) for column in more]) <= width:
            chosen.add(leaves)
    return [column for column in columns if column.leaves in chosen]


def _least(column: TerminalColumn) -> _Text:
    """A column at its narrowest."""
    text = _broken(column)
    return _with_cut_names([column], [text], LEAST_NAME)[0] if column.cut else text


def _short(omitted: Sequence[str], shown: Sequence[str]) -> list[str]:
    """Heads of columns; those of several shot counts, none of which is shown, once."""
    present = {SHOTS.sub("", head) for head in shown}
    return list(dict.fromkeys(head if SHOTS.sub("", head) in present else SHOTS.sub("", head) for head in omitted))


def wrapped(texts: Iterable[str], width: int | None, indent: str = GAP) -> Iterator[str]:
    """Texts of any length, each on as many lines of this width as it takes. None steers the terminal.

    Further lines of a text begin with `indent`.
    """
    for text in map(visible, texts):
        if width is None or len(text) <= width:
            yield text
        else:
            yield from textwrap.wrap(text, width, subsequent_indent=indent, break_on_hyphens=False)


@dataclass(frozen=True)
class _Text:
    """A column as it is printed: for each row its lines."""

    rows: Sequence[Sequence[str]]

    @property
    def width(self) -> int:
        return max(len(line) for row in self.rows for line in row)


def _column(column: TerminalColumn) -> _Text:
    """Each cell on one line."""
    return _Text([[visible(_joined(cell))] for cell in (column.head, *column.cells)])


def _joined(cell: Cell) -> str:
    return cell if isinstance(cell, str) else ", ".join(cell)


def _broken(column: TerminalColumn) -> _Text:
    """Cells with their parts below each other, and the head no wider than these where that can be."""
    rows = [[visible(part) for part in ((cell,) if isinstance(cell, str) else cell)] for cell in column.cells]
    body = max((len(line) for row in rows for line in row), default=0)
    head = visible(column.head)
    most = max(body, *map(len, head.split()))
    return _Text([textwrap.wrap(head, most, break_on_hyphens=False), *rows])


def _with_cut_names(columns: Sequence[TerminalColumn], texts: Sequence[_Text], width: int) -> list[_Text]:
    """The names as long as there is room for them."""
    over = _total(texts) - width
    return [
        _Text([[_cut(line, max(text.width - over, LEAST_NAME)) for line in row] for row in text.rows])
        if column.cut and over > 0
        else text
        for column, text in zip(columns, texts, strict=True)
    ]


def _drawn(texts: Sequence[_Text]) -> Iterator[str]:
    """The lines of the rows; a head of fewer lines than others stands at the bottom."""
    widths = [text.width for text in texts]
    for number, cells in enumerate(zip(*(text.rows for text in texts), strict=True)):
        height = max(map(len, cells))
        padded = [[""] * (height - len(cell)) + list(cell) if number == 0 else cell for cell in cells]
        for place in range(height):
            line = [cell[place] if place < len(cell) else "" for cell in padded]
            yield GAP.join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
        if number == 0:
            yield GAP.join("-" * width for width in widths)


def _total(texts: Sequence[_Text]) -> int:
    return sum(text.width for text in texts) + len(GAP) * (len(texts) - 1)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: max(most - 1, 0)] + "…"
