"""The transactions that reading and writing share: one for each call."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial, wraps
from inspect import isfunction
from typing import Any

from sqlalchemy import Connection, Engine, select
from sqlalchemy.pool import StaticPool

from suite.core import signals
from suite.core.errors import SuiteError
from suite.results.store.database import connected, one_line_errors
from suite.results.store.files import RESTORE
from suite.results.store.tables import StepRow
from suite.results.store.urls import server_of, shown


class DatabaseSession:
    """A database and its transactions. Threads and processes may share it.

    Each public method of a subclass is one transaction. If a database server goes away during a method, the method runs
    again. A change then checks whether the earlier try made it (`_retried`).
    """

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        for name, method in list(vars(cls).items()):
            if isfunction(method) and not name.startswith("_"):
                setattr(cls, name, _retrying(method))

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._server = server_of(engine.url)
        # A database in memory has one connection, and a connection has one transaction: threads take turns.
        self.in_memory = isinstance(engine.pool, StaticPool)
        self._turn: AbstractContextManager[object] = threading.Lock() if self.in_memory else nullcontext()

    @property
    def where(self) -> str:
        """The database's name in messages."""
        return shown(self.engine.url)

    def without_retries(self) -> AbstractContextManager[None]:
        """Context manager in which this thread tries only once to reach a server that is away."""
        return nullcontext() if self._server is None else self._server.without_retries()

    def notifying(self, notify: Callable[[str], None]) -> AbstractContextManager[None]:
        """Context manager in which `notify` gets the messages that a server is away and that it is back."""
        return nullcontext() if self._server is None else self._server.notifying(notify)

    @property
    def _retried(self) -> bool:
        """Whether this call was tried before and may have succeeded with its reply lost."""
        return self._server is not None and self._server.retried

    def _done_by_earlier_try(self, connection: Connection, step: str, owner: str, status: str) -> bool:
        """Whether an earlier try of this call made the change and lost its reply with the server.

        No other call can have made it: a name belongs to one process, which makes each change of a step once.
        """
        if not self._retried:
            return False
        query = select(StepRow.id).where(StepRow.id == step, StepRow.owner == owner, StepRow.status == status)
        return connection.execute(query).first() is not None

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        """A transaction that is committed as a whole, or not at all after an exception. Signals are held meanwhile."""
        writer = self.engine.execution_options(write=True)
        with signals.held(), self._turn, one_line_errors(self.engine.url), writer.begin() as connection:
            yield connection

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        """A consistent view of the database while others write. Raises SuiteError if its data is invalid."""
        try:
            with self._turn, one_line_errors(self.engine.url), connected(self.engine) as connection:
                yield connection
        except (ValueError, TypeError, OverflowError) as error:  # invalid JSON or date, or text in place of a number
            reason = " ".join(str(error).split())[:120]
            raise SuiteError(f"is damaged ({reason})", where=shown(self.engine.url), fix=RESTORE) from error


def _retrying(method: Callable[..., Any]) -> Callable[..., Any]:
    """The method, with retries while its database's server is away."""

    @wraps(method)
    def retried(self: DatabaseSession, *arguments: Any, **options: Any) -> Any:
        if self._server is None:
            return method(self, *arguments, **options)
        return self._server.with_retries(partial(method, self, *arguments, **options))

    return retried
