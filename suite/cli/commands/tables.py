"""Tables for a terminal: aligned columns, as many as fit."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence

from suite.core.console import visible

GAP = "  "
LEAST_NAME = 12


def room(*, wide: bool = False) -> int | None:
    """Width of the terminal in columns; None if lines may have any length: for a pipe, a file, or with `wide`."""
    there = sys.stdout is not None and sys.stdout.isatty()  # None if standard output was closed before the start
    return shutil.get_terminal_size().columns if there and not wide else None


def aligned(lines: Sequence[Sequence[str]]) -> Iterator[str]:
    """Lines of a table with aligned columns and a rule below the first line. Cells cannot control the terminal."""
    lines = _visible(lines)
    widths = _widths(lines)
    for number, line in enumerate(lines):
        yield GAP.join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
        if number == 0:
            yield GAP.join("-" * width for width in widths)


def fitted(
    lines: Sequence[Sequence[str]], width: int | None, expendable: Iterable[Sequence[int]], name: int
) -> Iterator[str]:
    """A table that fits into a width: groups of columns are left out in this order, and a line names them.

    If this is not enough, the column of names is cut. Without a width nothing is left out.
    """
    groups = iter(expendable)
    omitted: list[int] = []
    while width is not None and _total(_without(lines, omitted)) > width and (group := next(groups, None)) is not None:
        omitted += group
    shown = _visible(_without(lines, omitted))
    if width is not None and _total(shown) > width:
        index = name - sum(column < name for column in omitted)
        most = max(_widths(shown)[index] - (_total(shown) - width), LEAST_NAME)
        shown = [[*line[:index], _cut(line[index], most), *line[index + 1 :]] for line in shown]
    for line in aligned(shown):
        yield line if width is None else _cut(line, width)
    if omitted:
        names = dict.fromkeys(lines[0][column] for column in sorted(omitted))
        listed = ", ".join(head for head in names if head not in shown[0])
        more = "(--wide of show, board and compare prints all)"
        yield from wrapped([f"left out to fit the terminal: {listed} {more}"], width)


def wrapped(texts: Iterable[str], width: int | None) -> Iterator[str]:
    """Wrap texts to a width. They cannot control the terminal."""
    for text in map(visible, texts):
        if width is None or len(text) <= width:
            yield text
        else:
            yield from textwrap.wrap(text, width, subsequent_indent=GAP)


def _visible(lines: Sequence[Sequence[str]]) -> list[list[str]]:
    return [[visible(text) for text in line] for line in lines]


def _without(lines: Sequence[Sequence[str]], omitted: Sequence[int]) -> list[list[str]]:
    return [[text for column, text in enumerate(line) if column not in omitted] for line in lines]


def _widths(lines: Sequence[Sequence[str]]) -> list[int]:
    return [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]


def _total(lines: Sequence[Sequence[str]]) -> int:
    widths = _widths(lines)
    return sum(widths) + len(GAP) * (len(widths) - 1)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: max(most - 1, 0)] + "…"
