"""From stored scores to the rows of a leaderboard: pure, and the same for the command line and the site."""

from suite.board.build import build_board, tracks
from suite.board.rows import Board, Cell, Column, FormatRatio, Group, Row, RowCosts, SeedScore

__all__ = [
    "Board",
    "Cell",
    "Column",
    "FormatRatio",
    "Group",
    "Row",
    "RowCosts",
    "SeedScore",
    "build_board",
    "tracks",
]
