"""What a row learned, in words: instead of a rank, and as the reason why it has none."""

from __future__ import annotations

import math
from collections.abc import Iterator

from suite.analysis.board.schema import Cell, Learning, Row
from suite.stats import Contrast, estimate_text


def standing_text(learning: Learning) -> str:
    """How a row that learned too little for a rank is listed; empty for one that learned its targets."""
    if learning.standing == "learned":
        return ""
    if learning.standing == "learned less":
        return f"{math.floor(100 * (learning.share or 0))}% of the best gain"
    return learning.standing


def unlearned_reasons(row: Row) -> Iterator[str]:
    """Why a row is not said to have learned its targets: a sentence for each target that it did not learn."""
    for cell in row.target_scores:
        if row.learning is not None and cell.role in row.learning.unlearned and cell.score is not None:
            yield f"{cell.role} {estimate_text(cell.score)} {_reason(cell, row.gained.get(cell.role))}"


def _reason(cell: Cell, gain: Contrast | None) -> str:
    if cell.at_chance:
        return f"is not shown to be above guessing ({cell.chance or 0:.1f})"
    if cell.at_majority and cell.classes:
        return (
            f"is not shown to be above answering ‘{cell.classes.majority}’ always ({cell.classes.majority_share:.1f})"
        )
    change = "" if gain is None else f" ({estimate_text(gain.estimate, sign=True)})"
    return f"is not shown to be above the pretrained model's{change}"
