"""The rank-interval chart: each row's rank with its 95 % interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from leaderboard.charts.chart import Chart, shortened
from leaderboard.view.badges import rank_interval
from suite.analysis.board import Row
from suite.stats import Rank


@dataclass(frozen=True)
class RankLine:
    """A row of the chart and of the table beside it."""

    name: str
    href: str
    rank: Rank
    interval: str
    """The interval of its rank, as shown."""


@dataclass(frozen=True)
class RankChart:
    """The chart and its table; the best row comes first."""

    chart: Chart
    lines: tuple[RankLine, ...]


def rank_chart(rows: Sequence[tuple[Row, str, int]]) -> RankChart | None:
    """The chart of (row, page, index on the board), by rank; None if fewer than two rows have a rank."""
    ranked = sorted(
        ((row.rank, row, href, index) for row, href, index in rows if row.rank),
        key=lambda ranked_row: ranked_row[0].place,
    )
    if len(ranked) < 2:
        return None
    lines = tuple(RankLine(row.name, href, rank, rank_interval(rank)) for rank, row, href, _ in ranked)
    drawn = [
        {
            "name": shortened(row.name), "href": href, "at": index, "low": rank.low, "high": rank.high,
            "place": rank.place, "best": not rank.below_best,
        }
        for rank, row, href, index in ranked
    ]  # fmt: skip
    last = max(row.contenders for _, row, _, _ in ranked)
    label = f"Rank, 95\u00a0% interval: {len(lines)} rows, the best first."
    return RankChart(Chart("ranks", label, "rank", "", {"rows": drawn, "last": last}), lines)
