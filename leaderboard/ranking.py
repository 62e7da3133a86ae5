"""The rank-interval chart: for each row of a table the places that cannot be ruled out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from leaderboard.axes import Axis, Tick, fixed
from leaderboard.standing import places
from suite.board import Row
from suite.stats import Rank

WIDTH, RIGHT, TOP, STEP, FOOT = 680.0, 24.0, 12.0, 22.0, 40.0
LETTER = 7.2
"""Width of a letter of a name."""
LETTERS = 32
"""A longer name is cut; the table beside the chart has all of it."""
TICKS = 10


@dataclass(frozen=True)
class Placed:
    """A row of the chart."""

    name: str
    text: str
    """The name, as far as there is room."""
    href: str
    place: int
    """The row's place on the board, which scripts know it by."""
    rank: Rank
    said: str
    """The places in words."""
    y: str
    low: str
    high: str
    at: str


@dataclass(frozen=True)
class Ranking:
    """The drawing."""

    width: str
    height: str
    left: str
    right: str
    top: str
    bottom: str
    ticks: tuple[Tick, ...]
    lines: tuple[Placed, ...]


def ranking(rows: Sequence[tuple[Row, str, int]]) -> Ranking | None:
    """(Row, page, place on the board), drawn by rank; None where fewer than two have one."""
    ranked = sorted(
        ((row.rank, row, href, place) for row, href, place in rows if row.rank), key=lambda each: each[0].place
    )
    if len(ranked) < 2:
        return None
    last = max(row.contenders for _, row, _, _ in ranked)
    bottom = TOP + STEP * len(ranked)
    left = 20 + LETTER * max(len(_short(row.name)) for _, row, _, _ in ranked)
    axis = Axis(1, last, left + 6, WIDTH - RIGHT - 6, tuple(range(1, last + 1, -(-last // TICKS))))
    lines = tuple(
        _placed(rank, row, href, place, TOP + STEP * (at + 0.5), axis)
        for at, (rank, row, href, place) in enumerate(ranked)
    )
    ticks = tuple(Tick(fixed(axis.place(place)), str(place)) for place in axis.ticks)
    return Ranking(
        width=fixed(WIDTH),
        height=fixed(bottom + FOOT),
        left=fixed(left),
        right=fixed(WIDTH - RIGHT),
        top=fixed(TOP),
        bottom=fixed(bottom),
        ticks=ticks,
        lines=lines,
    )


def _placed(rank: Rank, row: Row, href: str, place: int, y: float, axis: Axis) -> Placed:
    low, high, at = (fixed(axis.place(each)) for each in (rank.low, rank.high, rank.place))
    return Placed(row.name, _short(row.name), href, place, rank, places(rank), fixed(y), low, high, at)


def _short(name: str) -> str:
    return name if len(name) <= LETTERS else name[: LETTERS - 1] + "…"
