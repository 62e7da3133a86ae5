"""Ranked rows, computed from stored results. Missing scores stay missing."""

from suite.analysis.board.schema import (
    BASELINE,
    Board,
    Cell,
    Learning,
    LenientScore,
    Row,
    RowCosts,
    Standing,
    Variation,
)
from suite.analysis.board.tables import board, boards

__all__ = [
    "BASELINE",
    "Board",
    "Cell",
    "Learning",
    "LenientScore",
    "Row",
    "RowCosts",
    "Standing",
    "Variation",
    "board",
    "boards",
]
