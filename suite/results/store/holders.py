"""Who has which step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from suite.results.store.mapping import chunks, utc
from suite.results.store.owners import Owner
from suite.results.store.session import DatabaseSession
from suite.results.store.tables import StepRow


@dataclass(frozen=True)
class Holder:
    """Who is at work on a step, or was last."""

    status: str
    owner: Owner | None
    since: datetime | None
    heartbeat: float | None
    """When it was last heard of: seconds since 1970."""


class Holding(DatabaseSession):
    """The store's word on who works on what."""

    def holders(self, steps: Sequence[str]) -> dict[str, Holder]:
        """Step id -> who has it, or had it last, for those that are known."""
        found: dict[str, Holder] = {}
        columns = (StepRow.id, StepRow.status, StepRow.owner, StepRow.started, StepRow.heartbeat)
        with self._reading() as connection:
            for ids in chunks(steps):
                rows = connection.execute(select(*columns).where(StepRow.id.in_(ids))).tuples()
                for step, status, owner, since, heartbeat in rows:
                    found[step] = Holder(status, Owner.parse(owner), since and utc(since), heartbeat)
        return found
