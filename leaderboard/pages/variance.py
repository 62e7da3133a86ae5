"""Variance components of a row's held-out average: documents, seeds and exemplar draws."""

from __future__ import annotations

from leaderboard.view import cells, numbers
from leaderboard.view.cells import CellView
from suite.analysis.board import Board, Row


def variance_components(board: Board, row: Row) -> tuple[tuple[str, tuple[CellView, CellView, CellView]], ...]:
    """(shots, (part from documents, part from seeds, part from draws)); empty if none is known."""
    components = []
    for shots in board.shots:
        parts = row.variation.get(shots)
        if parts is not None:
            seeds = "one seed, or no answer depends on it" if len(row.seeds) < 2 else "no answer depends on the seed"
            draws = "no other row differs from this one in `held_out.draw` alone"
            shown = (_part(parts.documents, ""), _part(parts.seeds, seeds), _part(parts.draws, draws))
            components.append((numbers.shots(shots), shown))
    return tuple(components)


def _part(value: float | None, why: str) -> CellView:
    return cells.missing(f"not known: {why}") if value is None else CellView(f"{value:.2f}", numbers.raw(value))
