"""The clock that leases follow: the database server's, so that the clocks of several machines need not agree."""

from __future__ import annotations

import time

from sqlalchemy import ColumnElement, Connection, Float, func, literal


def time_now(connection: Connection) -> ColumnElement[float]:
    """The time in seconds since 1970, by the server's clock; for SQLite, by the clock of this machine."""
    if connection.dialect.name == "postgresql":
        return func.date_part("epoch", func.clock_timestamp(), type_=Float)  # now() is when the transaction began
    return literal(time.time())
