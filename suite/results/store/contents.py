"""The contents of a store in memory as bytes, so that what was imported once is not imported again."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any, Final

from sqlalchemy import Engine, bindparam, select, update

from suite.results.store.mapping import now
from suite.results.store.tables import ExperimentRow

SUPPORTED: Final = hasattr(sqlite3.Connection, "deserialize")
"""Whether this Python can do it; 3.10 cannot."""


def contents_in_memory(engine: Engine) -> bytes:
    """The whole database of a store in memory."""
    connection: Any = engine.raw_connection()
    with closing(connection):
        contents: bytes = connection.driver_connection.serialize()
    return contents


def imported_now(engine: Engine) -> Engine:
    """The engine, after its experiments were dated: the last one now, the others as long before it as they were.

    Of two variants with one name, the one that was created last is compared.
    """
    row = ExperimentRow.__table__.c
    with engine.execution_options(write=True).begin() as connection:
        created = dict(connection.execute(select(row.id, row.created)).tuples().all())
        if created:
            last = max(created.values())
            later = now().replace(tzinfo=last.tzinfo) - last
            query = update(ExperimentRow).where(row.id == bindparam("which")).values(created=bindparam("moment"))
            connection.execute(query, [{"which": name, "moment": each + later} for name, each in created.items()])
    return engine
