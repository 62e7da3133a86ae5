"""Ranked rows, computed from stored results. Missing scores stay missing."""

from suite.analysis.board.schema import BASELINE, Board, Cell, LenientScore, Row, RowCosts, Variation
from suite.analysis.board.tables import board, boards

__all__ = ["BASELINE", "Board", "Cell", "LenientScore", "Row", "RowCosts", "Variation", "board", "boards"]
