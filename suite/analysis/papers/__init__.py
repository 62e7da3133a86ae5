"""A paper's tables in its own layout, with the store's results beside the paper's figures."""

from suite.analysis.papers.fill import PaperCell, Table, TrackRows, fill
from suite.analysis.papers.schema import Layout
from suite.analysis.papers.write import WRITERS

__all__ = ["WRITERS", "Layout", "PaperCell", "Table", "TrackRows", "fill"]
