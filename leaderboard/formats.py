"""What a page shows of the format ratio: why there is none, and task by task beside the pretrained model's."""

from __future__ import annotations

from suite.board import BASELINE, Row


def why_none(row: Row) -> str:
    """Why a row has no format ratio."""
    if row.method == BASELINE:
        return "it was trained for no format"
    if not row.formats:
        return "its targets’ answers have no format of their own: neither labels, nor an output language that is known"
    return "needs all answers to held-out tasks that have another format"
