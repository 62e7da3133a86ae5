"""Cells and columns that several tables of a terminal have, and what they mean."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from suite.analysis.board import BASELINE, Row
from suite.analysis.board.unwritable import unwritable_lines
from suite.cli.commands.tables import Cell, TerminalColumn
from suite.core.quantities import clock
from suite.stats import Estimate, estimate_text

DASH: Final = "–"
CHANGE: Final = "change: the held-out average minus the pretrained model's"
TIME: Final = "time: of all training steps, on average over seeds"


def shown(estimate: Estimate | None, sign: bool = False) -> str:
    """Format an estimate: ``81.3 ± 2.1``, ``99.6 [97.8, 100.0]`` for an asymmetric interval, or a dash."""
    return DASH if estimate is None else estimate_text(estimate, sign=sign)


def target_cells(rows: Sequence[Row]) -> list[Cell]:
    """Each target with its score; of the pretrained model only targets that another row has, if there is another."""
    asked = {cell.role for row in rows if row.method != BASELINE for cell in row.target_scores}
    cells = [[cell for cell in row.target_scores if not asked or cell.role in asked] for row in rows]
    return [tuple(f"{cell.role} {shown(cell.score)}" for cell in of_row) or DASH for of_row in cells]


def trained_column(rows: Sequence[Row], leaves: int) -> TerminalColumn:
    """How many parameters are trained."""
    counts = [row.costs.trained_parameters for row in rows]
    return TerminalColumn(
        "trained", [f"{count:,}" if count else DASH for count in counts], leaves, "trained: how many parameters"
    )


def time_column(rows: Sequence[Row], leaves: int) -> TerminalColumn:
    """What training takes."""
    seconds = [row.costs.seconds for row in rows]
    return TerminalColumn("time", [clock(spent) if spent else DASH for spent in seconds], leaves, TIME)


def unwritable_notes(rows: Sequence[Row]) -> Iterator[str]:
    """The tasks of which a model cannot write some right answers, each once."""
    cells = [cell for row in rows for cell in (*row.target_scores, *row.held_out)]
    yield from unwritable_lines((cell.role, cell.unwritable, cell.documents) for cell in cells)
