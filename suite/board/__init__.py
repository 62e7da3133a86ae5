"""Ranked rows made from what is stored; nothing missing becomes a number."""

from suite.board.shape import BASELINE, Board, Cell, Costs, Row, Variation
from suite.board.tables import board, boards

__all__ = ["BASELINE", "Board", "Cell", "Costs", "Row", "Variation", "board", "boards"]
