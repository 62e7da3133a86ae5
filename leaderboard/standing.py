"""How a row stands: its rank among rows of its targets, and what must be known before its numbers are compared."""

from __future__ import annotations

from collections.abc import Sequence

from leaderboard.cells import Note
from suite.board import BASELINE, Board, Row


def target_groups(board: Board) -> tuple[tuple[str, ...], ...]:
    """The sets of targets that rows were trained for, in the board's order."""
    trained = [row.targets for row in board.rows if row.method != BASELINE]
    return tuple(dict.fromkeys(trained or [row.targets for row in board.rows]))


def ranks(board: Board) -> dict[tuple[str, ...], int]:
    """A row's experiments -> its rank among rows of its targets, if it is complete and on the track's terms."""
    found: dict[tuple[str, ...], int] = {}
    for targets in target_groups(board):
        rows = [row for row in board.rows if row.targets == targets and unranked(row, board.shots) is None]
        values = [_kept(row, board.shots) for row in rows]
        for row, value in zip(rows, values, strict=True):
            found[row.experiments] = 1 + sum(other > value for other in values)
    return found


def unranked(row: Row, shots: Sequence[int]) -> str | None:
    """Why a row has no rank."""
    if row.method == BASELINE:
        return "the control has no rank"
    if row.missing:
        return "no rank: something is missing"
    if row.changes:
        return "no rank: not on the track's terms"
    return None if shots and row.norm_avg.get(shots[-1]) else "no rank: no Norm. Avg."


def _kept(row: Row, shots: Sequence[int]) -> float:
    kept = row.norm_avg.get(shots[-1])
    return kept.value if kept else 0.0


def marks(row: Row) -> tuple[Note, ...]:
    """What must be known of a row before its numbers are compared."""
    found: list[Note] = []
    if row.method == BASELINE:
        found.append(Note("control", "the model as it came: what the others are compared with"))
    if row.imported:
        found.append(Note("imported", "these results were made elsewhere and imported", warning=True))
    if row.tries:
        told = "settings chosen on rows held out of training, never on reported ones; the time is that of all tries"
        found.append(Note(f"best of {row.tries}", told))
    if row.changes:
        told = ", ".join(row.changes)
        found.append(
            Note(
                f"not on the track's terms: {clipped(told)}",
                "it changed settings that the track holds equal",
                warning=True,
            )
        )
    if row.missing:
        told = "; ".join(row.missing)
        found.append(Note(f"incomplete: {len(row.missing)} missing", clipped(f"missing: {told}"), warning=True))
    return tuple(found)


def clipped(text: str, most: int = 600) -> str:
    """A text that is not too long for a note."""
    return text if len(text) <= most else text[:most] + "…"
