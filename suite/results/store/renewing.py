"""Finished steps that have to be done anew, for what they are built on is lost or has changed."""

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
"""A step that waits, with the costs of the attempts that it had."""


class Renewing(DatabaseSession):
    """What is done to finished steps when an artifact is lost."""

    def dependents(self, step: str) -> tuple[StepRecord, ...]:
        """Finished steps whose key names this one, which they build on."""
        named = cast(StepRow.config, Text).contains(step, autoescape=True)
        with self._reading() as connection:
            query = select(*STEP_COLUMNS).where(named, StepRow.status == "done", StepRow.id != step)
            return tuple(step_record(row) for row in connection.execute(query.order_by(StepRow.id)).all())

    def renew(self, seen: Sequence[StepRecord]) -> bool:
        """Make finished steps pending, as they were seen, whose results cannot be built on any more.

        Those that somebody has begun anew since then are left alone. Their results stay until others take their
        place; their costs begin anew. Whether there were any.
        """
        with self._writing() as connection:
            return renewed(connection, seen) or (self._repeated and _waiting(connection, seen))


def updated(connection: Connection, where: ColumnElement[bool], values: Mapping[str, Any]) -> bool:
    """Whether there was such a step to update."""
    return connection.execute(update(StepRow).where(where).values(**values)).rowcount == 1


def renewed(connection: Connection, seen: Sequence[StepRecord]) -> bool:
    """Whether there were finished steps, still as they were seen, to make pending."""
    anew, count = {**UNTRIED, **vars(Costs())}, 0
    for each in seen:
        same = and_(StepRow.status == "done", StepRow.attempts == each.attempts, StepRow.imported == each.imported)
        count += updated(connection, and_(StepRow.id == each.id, same), anew)
    return count > 0


def _waiting(connection: Connection, seen: Sequence[StepRecord]) -> bool:
    """Whether any of some steps waits that was finished when it was seen, and was not tried since."""
    same = (and_(StepRow.id == each.id, StepRow.attempts == each.attempts) for each in seen)
    query = select(StepRow.id).where(or_(false(), *same), StepRow.status == "pending")
    return connection.execute(query).first() is not None
