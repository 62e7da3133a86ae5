"""A track's table: builds its rows one after the other, to save memory for a large store, and sorts them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, get_args

from suite.analysis.board.ranking import with_ranking
from suite.analysis.board.rows import PretrainedResults, make_row
from suite.analysis.board.schema import BASELINE, Board, Row, Standing
from suite.core.board_terms import LEARNED_SHARE
from suite.results.store import ExperimentRecord, ResultsReader
from suite.results.store.experiment_results import ExperimentResults, held_out_roles


def boards(store: ResultsReader) -> tuple[Board, ...]:
    """A board for every track in the store, sorted by name."""
    return tuple(board(store, track) for track in store.tracks())


def board(store: ResultsReader, track: str) -> Board:
    """One track's board."""
    experiments = store.experiments(track)
    bases = [experiment for experiment in experiments if experiment.method == BASELINE]
    pretrained = [PretrainedResults.of(store, results) for results in ExperimentResults.of_many(store, bases)]
    made = [make_row(store, ExperimentResults.of_many(store, members), pretrained) for members in grouped(experiments)]
    terms = experiments[0].spec["track"] if experiments else {}
    learned_share = _learned_share(experiments)
    rows = without_repeats(with_ranking(made, learned_share))
    shots = tuple(sorted({cell.shots for row in rows for cell in row.held_out}))
    return Board(
        track=track,
        title=str(terms.get("title") or track),
        about=str(terms.get("about") or ""),
        shots=shots,
        roles=tuple(dict.fromkeys(role for experiment in experiments for role in held_out_roles(experiment))),
        targets=tuple(sorted({target for row in rows for target in row.targets})),
        rows=tuple(sorted(rows, key=lambda row: _order(row, shots))),
        deviations=tuple(map(str, terms.get("deviations") or ())),
        learned_share=learned_share,
    )


def without_repeats(rows: Sequence[Row]) -> list[Row]:
    """The rows without repeated pretrained rows.

    A pretrained row is left out if another one holds all its numbers and has more targets: the pretrained row grows
    with the targets of a track.
    """
    bases = [row for row in rows if row.method == BASELINE]
    return [row for row in rows if row.method != BASELINE or not any(_holds(other, row) for other in bases)]


def _holds(other: Row, row: Row) -> bool:
    """Whether a finished pretrained row has all the scores of another one, and more targets."""
    if other.missing or other.changes != row.changes or not set(row.targets) < set(other.targets):
        return False
    cells = [*other.target_scores, *other.held_out]
    return all(cell in cells for cell in (*row.target_scores, *row.held_out))


def grouped(experiments: Sequence[ExperimentRecord]) -> list[tuple[ExperimentRecord, ...]]:
    """The experiments of each row: those with the same name and settings, by seed."""
    groups: dict[tuple[str, str], list[ExperimentRecord]] = {}
    for experiment in experiments:
        groups.setdefault((experiment.name, str(experiment.spec["variant"])), []).append(experiment)
    return [tuple(group) for group in groups.values()]


def _learned_share(experiments: Sequence[ExperimentRecord]) -> float:
    """The track's share as most of its experiments were stored with it: running a spec again stores it anew."""
    shares = Counter(float(each.spec["track"].get("learned_share", LEARNED_SHARE)) for each in experiments)
    return shares.most_common(1)[0][0] if shares else LEARNED_SHARE


def _learned_first(row: Row) -> tuple[int, float]:
    """Rows that learned; those on the front and those that learned less, by their gain; those that did not learn."""
    learning = row.learning
    if learning is None or learning.standing == "learned":
        return (0 if learning else len(get_args(Standing)), 0.0)
    return get_args(Standing).index(learning.standing), -learning.gain


def _order(row: Row, shots: Sequence[int]) -> tuple[Any, ...]:
    best = row.norm_avg.get(shots[-1]) if shots else None
    return (
        row.method != BASELINE,
        row.targets,
        bool(row.missing),
        *_learned_first(row),
        -(best.value if best else 0.0),
        row.name,
        row.variant,
    )
