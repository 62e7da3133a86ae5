"""The store: all results of every experiment, in a database that several processes may use at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from sqlalchemy import Engine

from suite.core.errors import SuiteError
from suite.results.store.contents import imported_now
from suite.results.store.database import connect, connect_in_memory, dispose
from suite.results.store.files import RESTORE
from suite.results.store.filesystems import caution, sqlite_file
from suite.results.store.filling import Filling
from suite.results.store.integrity import Integrity
from suite.results.store.invalidation import Invalidating
from suite.results.store.leases import LeaseReading
from suite.results.store.reading import Reading
from suite.results.store.references import FileReferences
from suite.results.store.removing import Removing
from suite.results.store.urls import database_url, server_of, shown
from suite.results.store.writing import Writing


class Store(Reading, Writing, Filling, Removing, Invalidating, LeaseReading, FileReferences, Integrity):
    """A database of experiments. Every method is one transaction; several processes may use one database."""

    @classmethod
    @contextmanager
    def open(cls, url: str | Path, *, create: bool = True, patient: bool = True) -> Iterator[Store]:
        """The store at a SQLAlchemy URL or in a SQLite file, with its schema up to date.

        If `patient`, waits for a server that is away. Raises SuiteError if the store cannot be used, or if an error
        inside comes from damaged data.
        """
        server = server_of(database_url(url))
        with nullcontext() if server is None or patient else server.without_retries():
            engine = connect(url, create) if server is None else server.with_retries(lambda: connect(url, create))
            yield from cls._opened(engine)

    @classmethod
    @contextmanager
    def of_contents(cls, contents: bytes) -> Iterator[Store]:
        """A store in memory with these contents (see `contents_in_memory`), as if imported now."""
        yield from cls._opened(imported_now(connect_in_memory(contents)))

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


def caution_about(url: str | Path) -> str | None:
    """One line if SQLite's locks may not hold where a store is or would be made; None otherwise."""
    return caution(sqlite_file(database_url(url)))
