"""The store: what is kept of every experiment, in a database that several processes may use at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from sqlalchemy import Engine

from suite.core.errors import SuiteError
from suite.results.store.database import connect, database_url, dispose, server_of, shown
from suite.results.store.files import RESTORE
from suite.results.store.integrity import Integrity
from suite.results.store.invalidation import Invalidating
from suite.results.store.leases import LeaseReading
from suite.results.store.reading import Reading
from suite.results.store.removing import Removing
from suite.results.store.writing import Writing


class Store(Reading, Writing, Removing, Invalidating, LeaseReading, Integrity):
    """A database of experiments. Every method is one transaction; several processes may use one database."""

    @classmethod
    @contextmanager
    def open(cls, url: str | Path, *, create: bool = True, patient: bool = True) -> Iterator[Store]:
        """The store at a SQLAlchemy URL (or in a SQLite file), its schema up to date.

        Raises SuiteError when it cannot be used, and for whatever goes wrong with what is damaged in it. A server that
        is away is waited for if one is `patient`.
        """
        server = server_of(database_url(url))
        with nullcontext() if server is None or patient else server.without_retries():
            engine = connect(url, create) if server is None else server.with_retries(lambda: connect(url, create))
            yield from cls._opened(engine)

    @classmethod
    def _opened(cls, engine: Engine) -> Iterator[Store]:
        store = cls(engine)
        try:
            yield store
        except (SuiteError, OSError):
            raise
        except Exception as error:
            damage = store.damage()
            if damage is None:
                raise
            raise SuiteError(damage, where=shown(engine.url), fix=RESTORE) from error
        finally:
            dispose(engine)
