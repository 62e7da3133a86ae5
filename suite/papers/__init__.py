"""A paper's tables in its own layout, with what the store has beside the paper's figures."""

from suite.papers.fill import Cell, Table, TrackRows, fill
from suite.papers.form import Layout
from suite.papers.write import WRITERS

__all__ = ["WRITERS", "Cell", "Layout", "Table", "TrackRows", "fill"]
