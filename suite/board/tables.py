"""A track's table: its rows, made one after the other so that a large store is never held at once, and their order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from suite.board.rows import Base, make_row
from suite.board.shape import BASELINE, Board, Row
from suite.board.standing import with_standing
from suite.store import ExperimentRecord, Store
from suite.store.seen import Seen, held_out_roles


def boards(store: Store) -> tuple[Board, ...]:
    """A board for every track in the store, by name."""
    return tuple(board(store, track) for track in store.tracks())


def board(store: Store, track: str) -> Board:
    """One track's board."""
    experiments = store.experiments(track)
    bases = [each for each in experiments if each.method == BASELINE]
    known = [Base.of(store, seen) for seen in Seen.of_many(store, bases)]
    made = [make_row(store, Seen.of_many(store, members), known) for members in grouped(experiments)]
    rows = with_standing(made)
    terms = experiments[0].spec["track"] if experiments else {}
    shots = tuple(sorted({cell.shots for row in rows for cell in row.held_out}))
    return Board(
        track=track,
        title=str(terms.get("title") or track),
        about=str(terms.get("about") or ""),
        shots=shots,
        roles=tuple(dict.fromkeys(role for each in experiments for role in held_out_roles(each))),
        targets=tuple(sorted({target for row in rows for target in row.targets})),
        rows=tuple(sorted(rows, key=lambda row: _order(row, shots))),
        deviations=tuple(map(str, terms.get("deviations") or ())),
    )


def grouped(experiments: Sequence[ExperimentRecord]) -> list[tuple[ExperimentRecord, ...]]:
    """The experiments of each row: those of one name and settings, by seed."""
    groups: dict[tuple[str, str], list[ExperimentRecord]] = {}
    for experiment in experiments:
        groups.setdefault((experiment.name, str(experiment.spec["variant"])), []).append(experiment)
    return [tuple(group) for group in groups.values()]


def _order(row: Row, shots: Sequence[int]) -> tuple[Any, ...]:
    best = row.norm_avg.get(shots[-1]) if shots else None
    return (
        row.method != BASELINE,
        row.targets,
        bool(row.missing),
        -(best.value if best else 0.0),
        row.name,
        row.variant,
    )
