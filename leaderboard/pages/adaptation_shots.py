"""Rows that differ only in the number of examples to adapt on: how a task's score grows with it."""

from __future__ import annotations

from dataclasses import dataclass

from leaderboard.charts.chart import Chart
from leaderboard.charts.lines import Point, Series, lines
from leaderboard.view import cells, numbers
from leaderboard.view.cells import CellView
from suite.analysis.board import Board, Row


@dataclass(frozen=True)
class AdaptationShots:
    """Scores against the number of examples on which a task was adapted."""

    chart: Chart | None
    columns: tuple[str, ...]
    rows: tuple[tuple[int, str, tuple[CellView, ...]], ...]
    """(shots, the row's name, its scores), fewest shots first."""


def adaptation_shots(board: Board, row: Row) -> AdaptationShots | None:
    """Compares a row with those that differ only in `shots`; None if there is no such row."""
    if "shots" not in row.settings:
        return None
    comparable = board.rows_where(method=row.method, targets=row.targets, changes=row.changes, seeds=row.seeds)
    variants = [
        other for other in comparable if "shots" in other.settings and _without_shots(other) == _without_shots(row)
    ]
    if len({variant.settings["shots"] for variant in variants}) < 2:
        return None
    variants.sort(key=lambda variant: (int(variant.settings["shots"]), variant.name))
    roles = [(cell.role, cell.shots) for cell in row.held_out]
    shown = tuple(
        (int(variant.settings["shots"]), variant.name, tuple(_scores(variant, roles))) for variant in variants
    )
    several = len({shots for _, shots in roles}) > 1
    names = [f"{role}, {numbers.shots(shots)}" if several else role for role, shots in roles]
    series = [
        Series(name, {"": [Point(int(variant.settings["shots"]), _value(variant, key)) for variant in variants]})
        for name, key in zip(names, roles, strict=True)
    ]
    return AdaptationShots(lines("Score by examples", "examples", "score", series), tuple(names), shown)


def _without_shots(row: Row) -> dict[str, object]:
    return {key: value for key, value in row.settings.items() if key != "shots"}


def _scores(row: Row, roles: list[tuple[str, int]]) -> list[CellView]:
    by_task = {(cell.role, cell.shots): cell for cell in row.held_out}
    return [cells.task(by_task.get(key), row, f"{row.name} was not evaluated on {key[0]}") for key in roles]


def _value(row: Row, key: tuple[str, int]) -> float | None:
    cell = next((cell for cell in row.held_out if (cell.role, cell.shots) == key), None)
    return cell.score.value if cell and cell.score else None
