"""Ranked rows made from what is stored; nothing missing becomes a number."""

from suite.analysis.board.schema import BASELINE, Board, Cell, Costs, Row, Variation
from suite.analysis.board.tables import board, boards

__all__ = ["BASELINE", "Board", "Cell", "Costs", "Row", "Variation", "board", "boards"]
