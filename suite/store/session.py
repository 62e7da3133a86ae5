"""One transaction a call: what reading and writing have in common."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from sqlalchemy import Connection, Engine
from sqlalchemy.pool import StaticPool

from suite import signals
from suite.errors import SuiteError
from suite.store.database import one_line_errors, shown
from suite.store.files import RESTORE


class Session:
    """A database, and how a transaction on it is begun. Threads and processes may share it."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        # A database in memory is one connection, and a connection holds one transaction: threads take turns.
        self.in_memory = isinstance(engine.pool, StaticPool)
        self._turn: AbstractContextManager[object] = threading.Lock() if self.in_memory else nullcontext()

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        """A transaction that is committed whole, or not at all if anything is raised in it. Signals wait meanwhile."""
        writer = self.engine.execution_options(write=True)
        with signals.held(), self._turn, one_line_errors(self.engine.url), writer.begin() as connection:
            yield connection

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        """One view of the database, whatever others write meanwhile. Raises SuiteError for what is no data of ours."""
        try:
            with self._turn, one_line_errors(self.engine.url), self.engine.connect() as connection:
                yield connection
        except (ValueError, TypeError, OverflowError) as error:  # no JSON, no date, a text where a number was
            reason = " ".join(str(error).split())[:120]
            raise SuiteError(f"is damaged ({reason})", where=shown(self.engine.url), fix=RESTORE) from error
