"""What `suite run` prints at its end: failures, the rows of the run, and the page to open."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import astuple, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from suite.api.shipped import records_key, rows_beside
from suite.api.unchanged import stored_key
from suite.cli.commands.stored import reading
from suite.cli.commands.tables import Fitted, room, with_legends, wrapped
from suite.core.errors import StoreAway, SuiteError
from suite.core.hashing import fingerprint
from suite.core.quantities import clock
from suite.core.run_dir import RunDir
from suite.core.user_cache import cached, keep
from suite.planning import Plan

if TYPE_CHECKING:
    from suite.analysis.board import Board, Row
    from suite.execution.outcome import Outcome
    from suite.results.store import Store

TABLES: Final = "tables"
"""The kind of cached values: the rows of a run, as they are printed."""


def _tables(plan: Plan, home: RunDir, *, patient: bool) -> list[Fitted]:
    """The rows of the plan's experiments, a table for each track; computed again if anything stored has changed."""
    planned = {(experiment.experiment.track.name, experiment.experiment.name) for experiment in plan.experiments}
    terms = {each.experiment.track.name: each.experiment.resolved()["track"] for each in plan.experiments}
    width = room()
    with reading(home, patient=patient) as store:
        shipped = [records_key(track) for track in sorted(terms)]
        key = fingerprint([stored_key(store), sorted(planned), terms, shipped, width], 32)
        before = cached(TABLES, key)
        if before is not None:
            return [Fitted(tuple(lines), tuple(legends)) for lines, legends in json.loads(before)]
        tables = _computed(store, planned, terms, width)
        if store.alteration() is None:
            keep(TABLES, key, json.dumps([astuple(table) for table in tables]).encode("utf-8", "surrogatepass"))
        return tables


def _computed(
    store: Store, planned: Collection[tuple[str, str]], terms: Mapping[str, Any], width: int | None
) -> list[Fitted]:
    """The rows of the plan, each table followed by shipped rows of the same targets on the same terms."""
    from suite.analysis.board import boards

    rows = [(board, [row for row in board.rows if (board.track, row.name) in planned]) for board in boards(store)]
    return [_table(board, of_plan, terms[board.track], width) for board, of_plan in rows if of_plan]


def _table(board: Board, of_plan: list[Row], terms: Mapping[str, Any], width: int | None) -> Fitted:
    from suite.cli.commands.results import table

    beside = rows_beside(of_plan, terms)
    notes = [f"† comes with suite and was not run here: {', '.join(row.name for row in beside)}"] if beside else []
    marked = [replace(row, name=f"† {row.name}") for row in beside]
    return table(board, [*of_plan, *marked], width, notes)


def report(plan: Plan, home: RunDir, outcome: Outcome, *, pages: bool) -> None:
    """After a run: write the `pages`, and print failures, the run's rows, and the page to open."""
    from suite.cli.commands.sharing import render_site

    page: Path | None = None
    unrendered: SuiteError | OSError | None = None
    if pages and not outcome.interrupted and home.exists:
        try:
            page = render_site(home, None, None)  # before anything is printed, which a console may end
        except (SuiteError, OSError) as error:
            unrendered = error
    print()
    if outcome.interrupted:
        why = str(outcome.interrupted)
        print(f"{why[0].upper()}{why[1:]}. What was finished is kept; the same command goes on from there.")
    if outcome.left:
        print(f"The time limit was reached with {outcome.left} steps left. The same command goes on from there.")
    for line in wrapped((f"failed: {title}: {reason}" for title, reason in outcome.failed.items()), room()):
        print(line)
    if outcome.blocked:
        print(f"not run, as they need a failed step: {outcome.blocked}")
    hurried = bool(outcome.interrupted) or isinstance(unrendered, StoreAway)
    try:
        tables = (
            _tables(plan, home, patient=not hurried) if home.exists else []
        )  # it may have ended before there is one
    except StoreAway:
        if not hurried:  # an interrupted run should not wait for its table, and no run should wait twice
            raise
        tables = []
    print("".join(f"{line}\n" for line in with_legends(tables, room())), end="")
    if outcome.log is not None:
        print(f"log {outcome.log}")
    undone = f", {len(outcome.failed)} failed, {outcome.blocked} not run" if outcome.failed else ""
    print(f"{outcome.done} steps done, {outcome.reused} reused{undone}, in {clock(outcome.seconds)}")
    if page is not None:
        print(f"open {page}")
    if unrendered is not None:
        raise unrendered
