"""A row's rank, and the warnings to read before comparing its numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from leaderboard.view import numbers
from leaderboard.view.cells import Note
from leaderboard.view.legend import MEANINGS
from suite import stats
from suite.analysis.board import BASELINE, Board, Row
from suite.analysis.board.standings import standing_text, unlearned_reasons
from suite.stats import Rank

MEANINGS_OF_STANDINGS = {
    "learned less": "less than the share of the best gain that a row of this track needs for a rank",
    "on the front": MEANINGS["on the front"],
}


@dataclass(frozen=True)
class RankCell:
    """A row's rank as it is shown."""

    text: str
    """The rank's 95 % interval; a dash without a rank."""
    sort: str
    """The rank of the row's own value; empty without one."""
    title: str


def target_groups(board: Board) -> tuple[tuple[str, ...], ...]:
    """The sets of targets that rows were trained for, in the board's order; those that no row learned come last."""
    trained = [row.targets for row in board.rows if row.method != BASELINE]
    learned_by_any = {row.targets for row in board.rows if row.rank}
    groups = dict.fromkeys(trained or [row.targets for row in board.rows])
    return tuple(sorted(groups, key=lambda group: group not in learned_by_any))


def rank_cell(row: Row, shots: Sequence[int]) -> RankCell:
    """A row's rank, or the reason why it has none."""
    rank = row.rank
    if rank is None:
        return RankCell(numbers.MISSING, "", _unranked(row))
    title = f"rank {rank.place} of {row.contenders} by what is kept at {numbers.shots(shots[-1])}"
    if row.contenders > 1:
        title += f"; with 95\u00a0% confidence the true rank is {_within(rank)}"
    return RankCell(rank_interval(rank), str(rank.place), title)


def tied_with_best(row: Row) -> tuple[Note, ...]:
    """The mark of a row that is tied with the best and not the first of its table."""
    rank = row.rank
    if rank is None or rank.place == 1 or rank.below_best:
        return ()
    return (Note("tied with the best", "no row with the same targets is shown to be better"),)


def learned(row: Row) -> tuple[Note, ...]:
    """The mark of a row that is not ranked for what it learned, or that learned only some of its targets."""
    learning = row.learning
    if learning is None:
        return ()
    reasons = clipped("; ".join(unlearned_reasons(row)))
    if learning.standing == "did not learn":
        return (Note("did not learn", reasons, warning=True),)
    notes = (
        [Note(f"did not learn {', '.join(learning.unlearned)}", reasons, warning=True)] if learning.unlearned else []
    )
    if text := standing_text(learning):
        notes.append(Note(text.replace("%", "\u00a0%"), MEANINGS_OF_STANDINGS[learning.standing]))
    return tuple(notes)


def unlearned(row: Row) -> bool:
    """Whether a row learned too little to be ranked."""
    return row.learning is not None and row.learning.standing in ("learned less", "did not learn")


def on_front(row: Row) -> bool:
    """Whether a row without a rank is on the front of gained and kept."""
    return row.learning is not None and row.learning.standing == "on the front"


def rank_interval(rank: Rank) -> str:
    """The rank's 95 % interval."""
    return str(rank.low) if rank.low == rank.high else f"{rank.low}–{rank.high}"


def chance_lead(rows: Sequence[Row]) -> str:
    """How far the best of several equally good rows leads by chance, as a sentence; empty for fewer than two."""
    ranked_rows = max((row.contenders for row in rows), default=0)
    if ranked_rows < 2:
        return ""
    lead = f"{stats.lead_by_chance(ranked_rows):.1f}"
    return (
        f"A small lead can be chance: if all {ranked_rows} ranked rows were equally good, the best would still be "
        f"about {lead} standard errors above their mean."
    )


def _within(rank: Rank) -> str:
    return f"{rank.low}" if rank.low == rank.high else f"from {rank.low} to {rank.high}"


def _unranked(row: Row) -> str:
    if row.method == BASELINE:
        return "the control has no rank"
    if row.missing:
        return "no rank: something is missing"
    if row.changes:
        return "no rank: not on the track's terms"
    if row.learning is None:
        return "no rank: no gain is known, as the pretrained model was not asked the same"
    if row.learning.standing != "learned":
        return f"no rank: {standing_text(row.learning)}"
    if not any(row.variation.values()):
        return "no rank: what it keeps is not known, or from a single document"
    return "no rank: its questions differ from those of the ranked rows"


def origin(row: Row, shipped: frozenset[str]) -> tuple[Note, ...]:
    """The mark of a row with imported results; empty for local results."""
    title = "a record that comes with suite; it was not run in this store"
    seeds = [str(seed) for seed, experiment in zip(row.seeds, row.experiments, strict=True) if experiment in shipped]
    if len(seeds) == len(row.seeds):
        return (Note("shipped with suite", title, warning=True),)
    if seeds:
        which = f"seed{'s' * (len(seeds) > 1)} {', '.join(seeds)}"
        return (Note(f"{which} shipped with suite", title, warning=True),)
    if row.imported:
        return (Note("imported", "these results were made elsewhere and imported", warning=True),)
    return ()


def devices(row: Row, board: Board) -> tuple[Note, ...]:
    """The mark of a row's devices, if not all rows of the board were computed on the same."""
    if not board.mixed_devices or not row.devices:
        return ()
    title = "not all rows were computed on the same kind of device: rounding differs; seconds and memory do not compare"
    return (Note(f"on {' and '.join(row.devices)}", title, warning=True),)


def marks(row: Row, shipped: frozenset[str] = frozenset()) -> tuple[Note, ...]:
    """The warnings about a row that do not depend on other rows."""
    notes: list[Note] = []
    if row.method == BASELINE:
        notes.append(Note("control", "the untrained model; the other rows are compared with it"))
    notes += [*learned(row), *origin(row, shipped)]
    if row.tries:
        details = "settings chosen on the selection rows, which are not reported; the time is that of all tries"
        notes.append(Note(f"best of {row.tries}", details))
    low = [cell for cell in row.held_out if cell.at_chance]
    if low:
        details = ", ".join(f"{cell.role} at {numbers.shots(cell.shots)}" for cell in low)
        notes.append(
            Note(f"≤ chance on {len(low)} of {len(row.held_out)} held-out scores", clipped(details), warning=True)
        )
    if row.changes:
        details = ", ".join(row.changes)
        notes.append(
            Note(
                f"not on the track's terms: {clipped(details)}",
                "it changed settings that the track fixes for all rows",
                warning=True,
            )
        )
    if row.missing:
        details = "; ".join(row.missing)
        notes.append(Note(f"incomplete: {len(row.missing)} missing", clipped(f"missing: {details}"), warning=True))
    return tuple(notes)


def in_common(rows: Sequence[Sequence[Note]]) -> tuple[Note, ...]:
    """The marks that all of several rows share; they are shown once."""
    if len(rows) < 2:
        return ()
    return tuple(mark for mark in rows[0] if all(mark in row for row in rows[1:]))


def clipped(text: str, most: int = 600) -> str:
    """The text, cut at `most` characters."""
    return text if len(text) <= most else text[:most] + "…"
