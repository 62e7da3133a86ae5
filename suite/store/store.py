"""The store: what is kept of every experiment, in a database that several processes may use at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from suite.store.database import connect
from suite.store.reading import Reading
from suite.store.removing import Removing
from suite.store.writing import Writing


class Store(Reading, Writing, Removing):
    """A database of experiments. Every method is one transaction; several processes may use one database."""

    @classmethod
    @contextmanager
    def open(cls, url: str | Path, *, create: bool = True) -> Iterator[Store]:
        """The store at a SQLAlchemy URL (or in a SQLite file), its schema up to date.

        Raises SuiteError when it cannot be used.
        """
        engine = connect(url, create)
        try:
            yield cls(engine)
        finally:
            engine.dispose()
