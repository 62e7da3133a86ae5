"""Leases of steps: which process works on which step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from suite.results.store.mapping import chunks, utc
from suite.results.store.owners import Owner
from suite.results.store.session import DatabaseSession
from suite.results.store.tables import StepRow
from suite.results.store.times import time_now
from suite.results.store.writing import abandoned


@dataclass(frozen=True)
class Lease:
    """The process that works on a step, or the last one that did."""

    status: str
    owner: Owner | None
    since: datetime | None
    silence: float | None
    """Seconds since its last heartbeat, by the database's clock."""


class LeaseReading(DatabaseSession):
    """Reads leases from the store."""

    def leases(self, steps: Sequence[str]) -> dict[str, Lease]:
        """Step id -> its current or last lease; unknown steps are left out."""
        leases: dict[str, Lease] = {}
        with self._reading() as connection:
            silent = time_now(connection) - StepRow.heartbeat
            columns = (StepRow.id, StepRow.status, StepRow.owner, StepRow.started, silent)
            for ids in chunks(steps):
                rows = connection.execute(select(*columns).where(StepRow.id.in_(ids))).tuples()
                for step, status, owner, since, silence in rows:
                    leases[step] = Lease(status, Owner.parse(owner), since and utc(since), silence)
        return leases

    def abandoned(self, steps: Sequence[str], lease_seconds: float) -> frozenset[str]:
        """Those of the steps that are running, but whose owner is dead or was silent for longer than the lease."""
        with self._reading() as connection:
            return frozenset(
                step
                for step in steps
                if connection.execute(
                    select(StepRow.id).where(StepRow.id == step, abandoned(connection, step, lease_seconds))
                ).first()
            )
