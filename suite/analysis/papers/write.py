"""Writes filled tables as Markdown, CSV and LaTeX."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from suite.analysis.papers.fill import PaperCell, Table
from suite.analysis.papers.schema import PASSES, Column, Line
from suite.core.escape import latex, markdown, spreadsheet

WHOLE = ("seconds", "parameters")
"""Quantities that are shown as whole numbers."""


def as_markdown(table: Table) -> str:
    """A Markdown table, followed by its notes."""
    heads = _heads(table)
    names = [name for column in table.layout.columns for name in (_label(column), "paper")]
    lines = [["" for _ in range(heads)] + [markdown(name) for name in names]]
    lines.append(["---"] * heads + ["---:"] * len(names))
    for head, line, cells in _lines(table):
        lines.append([*map(markdown, head), *(text for cell in cells for text in _pair(line, cell, "±"))])
    body = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    title = f"**{markdown(table.layout.source)}** ({markdown(table.name)}): {markdown(table.layout.title)}"
    return f"{title}\n\n{body}\n\n" + "".join(f"- {markdown(note)}\n" for note in table.notes)


def as_latex(table: Table) -> str:
    """A `table` environment with its caption; it needs no LaTeX package."""
    heads, columns = _heads(table), table.layout.columns
    lead = [""] * heads
    rows: list[Sequence[str]] = []
    if any(column.group for column in columns):
        rows.append([*lead, *(_over(text, 2 * width) for text, width in _groups(columns))])
    rows.append([*lead, *(_over(column.head, 2) for column in columns)])
    rows.append([*lead, *["ours", "paper"] * len(columns)])
    body = [
        [*map(latex, head), *(text for cell in cells for text in _pair(line, cell, r"$\pm$"))]
        for head, line, cells in _lines(table)
    ]
    notes = "".join(f"\\par {latex(note)}\n" for note in table.notes)
    return (
        f"\\begin{{table}}\n\\caption{{{latex(table.layout.source)}: {latex(table.layout.title)}}}\n\\centering\n"
        f"\\begin{{tabular}}{{{'l' * heads}{'rr' * len(columns)}}}\n\\hline\n{_tex(rows)}\\hline\n{_tex(body)}\\hline\n"
        f"\\end{{tabular}}\n\\footnotesize\n{notes}\\end{{table}}\n"
    )


def as_csv(table: Table) -> str:
    """Four fields for each column: our value, both ends of its interval, the paper's figure.

    Notes are left out: they are not data.
    """
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    labels = [_label(column) for column in table.layout.columns]
    names = [name for label in labels for name in (label, f"{label} low", f"{label} high", f"{label} paper")]
    first = [f"{table.name} on {table.track}"]
    writer.writerow(map(spreadsheet, [*[""] * (_heads(table) - 1), *first, *names]))
    for head, line, cells in _lines(table, repeat=True):
        writer.writerow([*map(spreadsheet, head), *(text for cell in cells for text in _fields(line, cell))])
    return stream.getvalue()


WRITERS: Final[Mapping[str, Callable[[Table], str]]] = {"markdown": as_markdown, "csv": as_csv, "latex": as_latex}
"""Format -> the function that writes it."""


def _heads(table: Table) -> int:
    """Number of columns for the rows' headings."""
    return 2 if any(line.group for line in table.layout.rows) else 1


def _lines(table: Table, repeat: bool = False) -> Iterator[tuple[list[str], Line, Sequence[PaperCell]]]:
    """Yield (headings, row, cells). A group is named in its first row; with `repeat`, in all its rows."""
    last = ""
    for line, cells in zip(table.layout.rows, table.cells, strict=True):
        group = line.group if repeat or line.group != last else ""
        last = line.group
        yield ([group, line.head] if _heads(table) == 2 else [line.head]), line, cells


def _label(column: Column) -> str:
    return f"{column.group}, {column.head}" if column.group else column.head


def _groups(columns: Sequence[Column]) -> list[tuple[str, int]]:
    """(heading above the columns, number of columns that it spans)."""
    groups: list[tuple[str, int]] = []
    for column in columns:
        if groups and column.group and groups[-1][0] == column.group:
            groups[-1] = (column.group, groups[-1][1] + 1)
        else:
            groups.append((column.group, 1))
    return groups


def _pair(line: Line, cell: PaperCell, sign: str) -> tuple[str, str]:
    """Our value and the paper's figure, as text."""
    plus = "+" if line.show == "change" else ""
    digits = ",.0f" if line.show == "parameters" else f"{plus}.2f"
    paper = "" if cell.paper is None else format(cell.paper, digits)
    if cell.ours is None:
        return "", paper
    ours, half = cell.ours, cell.ours.half
    if line.show in WHOLE:
        return f"{ours.value:,.0f}", paper
    text = format(ours.value, ".2f" if line.show in PASSES else f"{plus}.1f")
    if ours.low is None or ours.high is None:
        return text, paper
    if half is not None:
        return f"{text} {sign} {half:.1f}", paper
    return f"{text} [{format(ours.low, f'{plus}.1f')}, {format(ours.high, f'{plus}.1f')}]", paper


def _fields(line: Line, cell: PaperCell) -> tuple[str, ...]:
    paper = "" if cell.paper is None else str(cell.paper)
    if cell.ours is None:
        return "", "", "", paper
    digits = ".0f" if line.show == "parameters" else ".4f"
    numbers = (cell.ours.value, cell.ours.low, cell.ours.high)
    return (*("" if number is None else format(number, digits) for number in numbers), paper)


def _over(text: str, width: int) -> str:
    return f"\\multicolumn{{{width}}}{{c}}{{{latex(text)}}}"


def _tex(rows: Sequence[Sequence[str]]) -> str:
    return "".join(f"{' & '.join(row)} \\\\\n" for row in rows)
