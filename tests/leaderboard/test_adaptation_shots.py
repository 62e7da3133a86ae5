"""Scores against the number of examples: rows that differ in nothing else."""

from __future__ import annotations

from dataclasses import replace

from leaderboard.pages.adaptation_shots import adaptation_shots
from suite.analysis.board import Board, Row, board
from tests.leaderboard.filled import Rendered


def rows(rendered: Rendered) -> tuple[Board, Row]:
    found = board(rendered.store, "micro")
    return found, next(row for row in found.rows if row.name == "lora_rte")


def with_shots(row: Row, shots: int, **more: object) -> Row:
    return replace(row, name=f"shots_{shots}", settings={"name": "transformer2", "shots": shots, **more})


def test_rows_with_other_shots_are_beside_each_other(rendered: Rendered) -> None:
    found, row = rows(rendered)
    ten, three, other = with_shots(row, 10), with_shots(row, 3), with_shots(row, 5, each_matrix=True)
    view = adaptation_shots(replace(found, rows=(ten, three, other, row)), ten)
    assert view is not None
    assert [(shots, name) for shots, name, _ in view.rows] == [(3, "shots_3"), (10, "shots_10")]
    assert view.columns[:2] == ("cb, 1 shot", "cb, 4 shots")
    assert all(len(cells) == len(view.columns) for *_, cells in view.rows)
    assert view.chart is not None
    first = view.chart.described["series"][0]
    assert first["name"] == "cb, 1 shot"
    assert [x for x, _ in first["seeds"][0]["points"]] == [3, 10]


def test_a_row_alone_has_nothing_to_compare(rendered: Rendered) -> None:
    found, row = rows(rendered)
    assert adaptation_shots(found, row) is None
    assert adaptation_shots(replace(found, rows=(with_shots(row, 10),)), with_shots(row, 10)) is None
