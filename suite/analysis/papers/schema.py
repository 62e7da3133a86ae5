"""The format of a file for a paper's table: which of our numbers each cell shows, and the paper's own figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Annotated, Final, Literal, get_args

from pydantic import Field

from suite.analysis.claims.expectation import QUANTITIES
from suite.core.block import Block

Show = Literal[
    "norm_avg", "change", "target", "score", "format_ratio", "seconds", "parameters", "first_pass", "second_pass"
]
PASSES: Final = ("first_pass", "second_pass")
"""Seconds of the two passes of a dispatch, over all documents of a task."""
ASKED: Final[Mapping[str, tuple[str, ...]]] = {
    **{name: keys for name, keys in QUANTITIES.items() if name != "curve"},  # stored with a row, unlike a curve
    **dict.fromkeys(PASSES, ("role", "shots")),
}
"""Quantity that a row may show -> the settings that it depends on."""
assert set(get_args(Show)) == set(ASKED)
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]*$")]
Role = Annotated[str, Field(pattern=r"^(lm_eval:)?[A-Za-z0-9][A-Za-z0-9._+-]*$")]
Fault = tuple[tuple[str | int, ...], str, str]
"""(the key with the error, what is wrong, what to do)."""


class Column(Block):
    """A column: an experiment at a shot count."""

    head: str
    """The column's heading, as in the paper."""
    group: str = ""
    """A heading above this one, shared by neighbouring columns of the same group."""
    of: Name | None = None
    """The experiment of this column; a row may name another one."""
    shots: Annotated[int, Field(ge=0)] | None = None
    """The shot count, for quantities that depend on it; none: the most shots that were evaluated."""


class Line(Block):
    """A row, which shows one quantity."""

    head: str
    """The row's heading, as in the paper."""
    group: str = ""
    """A heading before this one, shared by neighbouring rows of the same group."""
    show: Show
    """A quantity, as in claims, or the seconds of a dispatch's `first_pass` or `second_pass`."""
    role: Role | None = None
    """The task of `target`, `score` and both passes."""
    of: tuple[Name | None, ...] | None = None
    """The experiment for each column, in place of the columns' `of`; null: the cell shows no result of ours."""
    paper: tuple[float | None, ...]
    """The paper's figures, as printed; null: not printed, or not found.

    One for each column. A quantity without shots has one figure for neighbouring columns of the same group and
    experiment.
    """


class Layout(Block):
    """A paper's table."""

    title: str
    """The title of the table."""
    source: str
    """The paper and the number of the table."""
    figures_from: str
    """The edition or file from which the paper's figures were taken."""
    model: str
    """The model with which the paper obtained its figures."""
    comparable: Name | None = None
    """The track with the paper's own setting. Tables on any other track state that the figures are not comparable."""
    columns: tuple[Column, ...] = Field(min_length=1)
    """The columns, from left to right."""
    rows: tuple[Line, ...] = Field(min_length=1)
    """The rows, from top to bottom."""
    notes: tuple[str, ...] = ()
    """Notes for readers of the figures."""


@dataclass(frozen=True)
class Slot:
    """The position of one number in a row."""

    column: int
    """The first column that shows this number."""
    experiment: str | None
    shots: int | None


def slots(layout: Layout, line: Line) -> tuple[Slot, ...]:
    """The positions of a row's numbers, from left to right."""
    of = line.of or tuple(column.of for column in layout.columns)
    all_slots = [Slot(index, of[index], column.shots) for index, column in enumerate(layout.columns)]
    if "shots" in ASKED[line.show]:
        return tuple(all_slots)

    def shared(slot: Slot) -> tuple[str | None, str | int]:
        return slot.experiment, layout.columns[slot.column].group or slot.column

    return tuple(next(run) for _, run in groupby(all_slots, key=shared))


def experiments(layout: Layout) -> tuple[str, ...]:
    """All experiments in the table, in the order of their first occurrence."""
    named = (slot.experiment for line in layout.rows for slot in slots(layout, line))
    return tuple(dict.fromkeys(name for name in named if name))


def faults(layout: Layout) -> Iterator[Fault]:
    """Yield the inconsistencies of a layout whose fields are valid."""
    count = len(layout.columns)
    for index, line in enumerate(layout.rows):
        if line.role is None and "role" in ASKED[line.show]:
            yield ("rows", index, "show"), f"{line.show} is asked of a task", "add `role:`"
        if line.role is not None and "role" not in ASKED[line.show]:
            yield ("rows", index, "role"), f"{line.show} is of no single task", "take it out"
        if line.of is not None and len(line.of) != count:
            fix = "one for each column, null where the paper has nothing"
            yield ("rows", index, "of"), f"has {len(line.of)} experiments for {count} columns", fix
            continue
        if line.of is None:
            for column in (candidate for candidate in layout.columns if candidate.of is None):
                fix = "add `of:` to the column, or to every row"
                yield ("rows", index), f"no experiment is named for the column '{column.head}'", fix
        expected = len(slots(layout, line))
        if len(line.paper) != expected:
            yield ("rows", index, "paper"), f"has {len(line.paper)} figures, not {expected}", "null where there is none"
