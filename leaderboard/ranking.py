"""The rank-interval chart: for each row of a table the places that cannot be ruled out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from leaderboard.axes import Tick, fixed
from leaderboard.standing import places
from suite.board import Row
from suite.stats import Rank

WIDTH, LEFT, RIGHT, TOP, STEP, FOOT = 680.0, 240.0, 24.0, 12.0, 22.0, 40.0
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
    lines = tuple(
        _placed(rank, row, href, place, TOP + STEP * (at + 0.5), last)
        for at, (rank, row, href, place) in enumerate(ranked)
    )
    every = -(-last // TICKS)
    ticks = tuple(
        Tick(fixed(_across(place, last)), str(place)) for place in range(1, last + 1) if (place - 1) % every == 0
    )
    ends = (WIDTH, bottom + FOOT, LEFT, WIDTH - RIGHT, TOP, bottom)
    width, height, left, right, top, foot = map(fixed, ends)
    return Ranking(width, height, left, right, top, foot, ticks, lines)


def _placed(rank: Rank, row: Row, href: str, place: int, y: float, last: int) -> Placed:
    text = row.name if len(row.name) <= LETTERS else row.name[: LETTERS - 1] + "…"
    low, high, at = (fixed(_across(each, last)) for each in (rank.low, rank.high, rank.place))
    return Placed(row.name, text, href, place, rank, places(rank), fixed(y), low, high, at)


def _across(place: int, last: int) -> float:
    return LEFT + 6 + (WIDTH - RIGHT - LEFT - 12) * (place - 1) / (last - 1)
