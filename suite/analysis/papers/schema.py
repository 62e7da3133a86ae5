"""What a file of a paper's table says: whose numbers stand where, and the paper's own figures."""

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
    **{name: keys for name, keys in QUANTITIES.items() if name != "curve"},  # what a row has, not what it had once
    **dict.fromkeys(PASSES, ("role", "shots")),
}
"""What may be shown, and what it is asked of."""
assert set(get_args(Show)) == set(ASKED)
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]*$")]
Role = Annotated[str, Field(pattern=r"^(lm_eval:)?[A-Za-z0-9][A-Za-z0-9._+-]*$")]
Fault = tuple[tuple[str | int, ...], str, str]
"""The key at fault, what is wrong, and what would be right."""


class Column(Block):
    """A column: an experiment, at a number of shots."""

    head: str
    """As in the paper."""
    group: str = ""
    """A head above this one, common with the neighbours of the same group."""
    of: Name | None = None
    """The experiment whose numbers stand here, where a row names no other."""
    shots: Annotated[int, Field(ge=0)] | None = None
    """For quantities that have shots; none: the most that were asked."""


class Line(Block):
    """A row: a quantity."""

    head: str
    """As in the paper."""
    group: str = ""
    """A head before this one, common with the neighbours of the same group."""
    show: Show
    """A quantity, as in claims, or the seconds of a dispatch's `first_pass` or `second_pass`."""
    role: Role | None = None
    """The task of `target`, `score` and both passes."""
    of: tuple[Name | None, ...] | None = None
    """The experiment of each column, in place of the columns' own; null: none of ours stands there."""
    paper: tuple[float | None, ...]
    """The paper's figures, as printed; null: none was printed, or it was not found.

    One for each column; a quantity without shots stands once for neighbours of one group and experiment.
    """


class Layout(Block):
    """A paper's table."""

    title: str
    """What it is about."""
    source: str
    """Paper and table."""
    figures_from: str
    """Where the paper's figures were read."""
    model: str
    """The model that the paper's figures are of."""
    comparable: Name | None = None
    """The track in the paper's own setting; on any other it is said that the figures do not compare."""
    columns: tuple[Column, ...] = Field(min_length=1)
    """The columns, from left to right."""
    rows: tuple[Line, ...] = Field(min_length=1)
    """The rows, from top to bottom."""
    notes: tuple[str, ...] = ()
    """What a reader of the figures must know."""


@dataclass(frozen=True)
class Slot:
    """Where one number of a row stands."""

    column: int
    """The first column that it is for."""
    experiment: str | None
    shots: int | None


def slots(layout: Layout, line: Line) -> tuple[Slot, ...]:
    """The places of a row's numbers, from left to right."""
    of = line.of or tuple(column.of for column in layout.columns)
    all_slots = [Slot(index, of[index], column.shots) for index, column in enumerate(layout.columns)]
    if "shots" in ASKED[line.show]:
        return tuple(all_slots)

    def shared(slot: Slot) -> tuple[str | None, str | int]:
        return slot.experiment, layout.columns[slot.column].group or slot.column

    return tuple(next(run) for _, run in groupby(all_slots, key=shared))


def experiments(layout: Layout) -> tuple[str, ...]:
    """All that the table is about, in the order in which they come."""
    named = (slot.experiment for line in layout.rows for slot in slots(layout, line))
    return tuple(dict.fromkeys(name for name in named if name))


def faults(layout: Layout) -> Iterator[Fault]:
    """What does not fit together in a layout whose parts are sound."""
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
