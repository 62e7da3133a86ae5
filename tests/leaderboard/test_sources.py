"""Published records are read as if they were local."""

from __future__ import annotations

from leaderboard.data.union_reader import UnionReader
from suite.analysis.board import board
from suite.results.store import Store
from tests.leaderboard.filled import Rendered


def test_a_published_board_is_the_one_its_own_store_gives(rendered: Rendered) -> None:
    with Store.open("sqlite://") as empty:
        joined = board(UnionReader(empty, rendered.store), "micro")
    own = board(rendered.store, "micro")
    assert [row.name for row in joined.rows] == [row.name for row in own.rows]
    for row, other in zip(joined.rows, own.rows, strict=True):
        assert row.format_ratio == other.format_ratio
        assert row.change == other.change
        assert row.norm_avg == other.norm_avg
    assert any(row.format_ratio for row in joined.rows)
