"""Finished steps that must run again because what they are built on is lost or has changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Text, and_, cast, false, or_, select, update

from suite.results.store.mapping import step_record
from suite.results.store.reading import STEP_COLUMNS
from suite.results.store.records import Costs, Provenance, StepRecord
from suite.results.store.session import DatabaseSession
from suite.results.store.tables import StepRow

UNTRIED: Mapping[str, Any] = {
    "status": "pending", "reason": None, "owner": None, "heartbeat": None, "started": None, "finished": None,
    "imported": False, **vars(Provenance()),
}  # fmt: skip
"""Values of a pending step. The costs of its attempts are kept."""


class Invalidating(DatabaseSession):
    """Resets finished steps whose artifact is lost."""

    def dependents(self, step: str) -> tuple[StepRecord, ...]:
        """Finished steps that build on this one: their key names it."""
        named = cast(StepRow.config, Text).contains(step, autoescape=True)
        with self._reading() as connection:
            query = select(*STEP_COLUMNS).where(named, StepRow.status == "done", StepRow.id != step)
            return tuple(step_record(row) for row in connection.execute(query.order_by(StepRow.id)).all())

    def invalidate(self, steps: Sequence[StepRecord]) -> bool:
        """Make finished steps pending because a step or artifact that they build on is lost.

        `steps` are as they were read; a step that a process has started again since then is left alone. Results stay
        until new ones replace them; costs start at zero. Returns whether any step was or, in a retried call, had been
        made pending.
        """
        with self._writing() as connection:
            return reset_finished(connection, steps) or (self._retried and _any_pending(connection, steps))

    def release(self, step: str, owner: str) -> bool:
        """Make a running step pending because its owner is lost. Returns False if it is no longer the owner's.

        If the owner lives after all, its next heartbeat finds that the step is not its own.
        """
        with self._writing() as connection:
            owned = and_(StepRow.id == step, StepRow.owner == owner, StepRow.status == "running")
            return update_step(connection, owned, UNTRIED)


def update_step(connection: Connection, where: ColumnElement[bool], values: Mapping[str, Any]) -> bool:
    """Update a step. Returns whether a row met the condition."""
    return connection.execute(update(StepRow).where(where).values(**values)).rowcount == 1


def reset_finished(connection: Connection, steps: Sequence[StepRecord]) -> bool:
    """Make finished steps pending if they are still as they were read. Returns whether there were any."""
    reset, count = {**UNTRIED, **vars(Costs())}, 0
    for step in steps:
        unchanged = and_(StepRow.status == "done", StepRow.attempts == step.attempts, StepRow.imported == step.imported)
        count += update_step(connection, and_(StepRow.id == step.id, unchanged), reset)
    return count > 0


def _any_pending(connection: Connection, steps: Sequence[StepRecord]) -> bool:
    """Whether any of these steps is pending and was not attempted since it was read as finished."""
    unchanged = (and_(StepRow.id == step.id, StepRow.attempts == step.attempts) for step in steps)
    query = select(StepRow.id).where(or_(false(), *unchanged), StepRow.status == "pending")
    return connection.execute(query).first() is not None
