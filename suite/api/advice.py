"""Advice from what is stored: which row to take for a target, within limits."""

from __future__ import annotations

from suite.analysis.advice import Advice, Constraints, advise, trained_targets
from suite.api.results import board as board_of
from suite.api.results import stored_boards
from suite.core.errors import SuiteError, did_you_mean
from suite.results.store import ResultsReader


def recommend(
    store: ResultsReader, target: str | None = None, track: str | None = None, *, limits: Constraints = Constraints()
) -> Advice:
    """Which row to take for a target: within the limits, by what rows gain, keep and cost.

    `target` and `track` may be left out if the store has one. Raises SuiteError for a target that no row has.
    """
    chosen = board_of(store, track)
    targets = trained_targets(chosen)
    if target is None and len(targets) > 1:
        raise SuiteError(f"there are {len(targets)} targets", where="target", fix=f"name one of {', '.join(targets)}")
    _check_target(target, targets)
    return advise(store, chosen, target or targets[0], limits)


def recommendations(store: ResultsReader, target: str | None, track: str | None, limits: Constraints) -> list[Advice]:
    """The same for every target, or the one that is named, on every track, or the one that is named."""
    boards = [(board, trained_targets(board)) for board in stored_boards(store, track)]
    _check_target(target, [name for _, targets in boards for name in targets])
    chosen = [(board, name) for board, targets in boards for name in targets if target in (None, name)]
    return [advise(store, board, name, limits) for board, name in chosen]


def _check_target(target: str | None, targets: list[str]) -> None:
    if not targets:
        raise SuiteError("no row was trained for a target", fix="run a spec with `targets:`")
    if target is not None and target not in targets:
        raise SuiteError(f"no row was trained for '{target}'", where="target", fix=did_you_mean(target, targets))
