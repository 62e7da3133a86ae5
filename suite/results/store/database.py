"""Opens the database: pragmas, the first tables, migrations of older files, and refusal of foreign databases."""

from __future__ import annotations

import errno
import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.exc import (
    ArgumentError,
    DatabaseError,
    IntegrityError,
    InterfaceError,
    OperationalError,
    ProgrammingError,
)
from sqlalchemy.pool import StaticPool

from suite.core import signals
from suite.core.errors import StoreConflict, SuiteError, remedy
from suite.results.store import open_files
from suite.results.store.files import RESTORE, check_file, immutable, made_beside, unwritable
from suite.results.store.filesystems import leave_wal, network_type, sqlite_file
from suite.results.store.servers import (
    away_error,
    connection_options,
    is_away,
    is_conflict,
    without_driver,
)
from suite.results.store.tables import REVISION, Base
from suite.results.store.urls import database_url, shown, unknown_url

BUSY_SECONDS = 60.0
VERSION_TABLE = "alembic_version"
MIGRATIONS = Path(__file__).parent / "migrations"
REMEDIES = {
    "full": remedy(errno.ENOSPC), "disk I/O": remedy(errno.ENOSPC), "readonly": remedy(errno.EACCES),
    "unable to open": "check that its folder is there and may be written to, or use another --home",
    "locked": "another process has been writing for a minute: wait for it, or use another --home",
    "malformed": RESTORE, "decode": RESTORE, "not a database": "use another --home or --db",
}  # fmt: skip
"""Word in SQLite's error message -> what to do about it."""
OURS = (IntegrityError, ProgrammingError, InterfaceError, sqlite3.IntegrityError, sqlite3.ProgrammingError)
"""Database errors that are bugs of suite, unless the server is away."""
MIGRATION_LOCK = 0x5017E
"""Key of the advisory lock that processes take before they migrate a PostgreSQL database."""


def connect(url: str | Path, create: bool) -> Engine:
    """An engine on an up-to-date database, at a URL or in a SQLite file.

    Raises SuiteError for an unknown URL. Raises it also for a file that is missing (unless `create`), is not a database
    of suite, or was written by a newer version.
    """
    parsed = database_url(url)
    file = sqlite_file(parsed)
    if file is None:
        return _connected(parsed, None, create)
    with open_files.LOCK:
        if not open_files.is_open(file):  # reading it would end the locks of this process
            check_file(file, create)
            _suit_filesystem(file)
        engine = _connected(parsed, file, create)
        open_files.opened(engine, file)
    return engine


def connect_in_memory(contents: bytes) -> Engine:
    """An engine on a database in memory with the contents of another one (`serialize` of sqlite3)."""
    engine = _engine(database_url("sqlite://"))
    connection = engine.raw_connection()
    source: Any = sqlite3.connect(":memory:")  # Python 3.10 has no `deserialize`
    with closing(source), closing(connection):
        source.deserialize(contents)
        source.backup(connection.driver_connection)
    return _opened(engine, create=False)


def _connected(parsed: URL, file: Path | None, create: bool) -> Engine:
    """An engine on an up-to-date database."""
    try:
        engine = _engine(parsed)
    except ArgumentError:  # SQLAlchemy knows no such driver
        raise unknown_url(shown(parsed)) from None
    except ImportError as error:
        raise without_driver(parsed, shown(parsed), error) from None
    try:
        if file is not None and create and not file.exists() and not parsed.query:
            _make(file)
        return _opened(engine, create)
    except SuiteError as error:
        if file is None or create or not unwritable(error):
            raise
        return _opened(_engine(parsed, read_only=file), create, read_only=True)


def _suit_filesystem(file: Path) -> None:
    """Let a database on a network file system have no write-ahead log; one in a place that cannot be written stays."""
    kind = network_type(file) if file.exists() else None
    if kind is not None:
        try:
            with one_line_errors(database_url(file)):
                leave_wal(file, kind)
        except SuiteError as error:
            if not unwritable(error):
                raise


@contextmanager
def connected(engine: Engine) -> Iterator[Connection]:
    """A connection. Signals are held while it closes: SQLAlchemy would print a traceback of an exception then."""
    connection = engine.connect()
    try:
        yield connection
    finally:
        with signals.held():
            connection.close()


def dispose(engine: Engine) -> None:
    """Close an engine's connections. Signals are held for the reason given in `connected`."""
    with signals.held():
        engine.dispose()
    open_files.closed(engine)


def _make(file: Path) -> None:
    """Create a new database as a whole, or not at all."""
    with one_line_errors(database_url(file)), made_beside(file) as fresh:
        engine = _engine(database_url(fresh))
        try:
            migrate(engine)
        finally:
            dispose(engine)


def _opened(engine: Engine, create: bool, read_only: bool = False) -> Engine:
    """The engine, after its database's schema was brought up to date."""
    try:
        with one_line_errors(engine.url):
            _upgrade(engine, create, read_only)
    except BaseException:
        dispose(engine)
        raise
    return engine


@contextmanager
def one_line_errors(url: URL) -> Iterator[None]:
    """Turn database errors that users can fix into one line: a full disk, a locked or damaged file, no server."""
    try:
        yield
    except UnicodeDecodeError as error:  # SQLite's own message about a damaged schema is not valid text in this case
        raise SuiteError("is damaged: a name in its schema is not text", where=shown(url), fix=RESTORE) from error
    except (DatabaseError, InterfaceError, sqlite3.DatabaseError) as error:  # the last if SQLAlchemy wraps nothing
        away = is_away(url, error)
        if not away and isinstance(error, OURS):
            raise
        message = str(getattr(error, "orig", error))
        if away:
            raise away_error(message, shown(url)) from error
        reason = next(iter(message.splitlines()), type(error).__name__)[:200]
        if is_conflict(error):
            raise StoreConflict(f"has changed meanwhile ({reason})", where=shown(url), fix="try again") from error
        fix = next((fix for word, fix in REMEDIES.items() if word in reason), "")
        raise SuiteError(f"cannot be used as a database ({reason})", where=shown(url), fix=fix) from error


def _engine(url: URL, read_only: Path | None = None) -> Engine:
    memory = sqlite_file(url) is None
    options: dict[str, Any] = {"json_serializer": partial(json.dumps, ensure_ascii=False, allow_nan=False)}
    if url.get_backend_name() != "sqlite":
        return create_engine(url, pool_pre_ping=True, connect_args=connection_options(url), **options)
    options["connect_args"] = {"timeout": BUSY_SECONDS, "check_same_thread": False}
    if memory:
        options["poolclass"] = StaticPool
    if read_only is not None:
        options["creator"] = partial(immutable, read_only)
    engine = create_engine(url, **options)
    file = sqlite_file(url)
    # without a write-ahead log, NORMAL may lose a database with the power
    synchronous = "NORMAL" if file is None or network_type(file) is None else "FULL"

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # `begin` below begins transactions, so that writers wait instead of failing
        cursor = connection.cursor()
        cursor.execute("PRAGMA foreign_keys=ON")
        if not memory:
            cursor.execute(f"PRAGMA synchronous={synchronous}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A deferred transaction that first reads and then writes can fail if another process writes in between.
        write = connection.get_execution_options().get("write", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    return engine


def _upgrade(engine: Engine, create: bool, read_only: bool) -> None:
    """Bring the schema to REVISION. For an up-to-date store this costs one query."""
    where = shown(engine.url)
    with connected(engine) as connection:
        current = _revision(connection, where)
    if current == REVISION:
        return
    if current is not None and not current.isdecimal():
        raise SuiteError("is another program's database", where=where, fix="use another --home or --db")
    if current is not None and current > REVISION:
        raise SuiteError(
            f"was written by a newer version of suite (schema {current}, this one knows {REVISION})",
            where=where,
            fix="upgrade finetune-suite, or use another --home",
        )
    if current is None and not create and sqlite_file(engine.url) is not None:
        raise SuiteError("holds no table of suite's: what it held is gone", where=where, fix=RESTORE)
    if read_only:
        what = f"was written by an older version of suite (schema {current}) and cannot be upgraded where it is"
        raise SuiteError(what, where=where, fix="copy its folder to where you can write, and pass the copy with --home")
    migrate(engine)


def _revision(connection: Connection, where: str) -> str | None:
    """The schema's revision; None if there are no tables of suite. Raises SuiteError for another program's tables."""
    sqlite = connection.dialect.name == "sqlite"
    if sqlite:
        query = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
        names = {str(row[0]) for row in connection.execute(text(query))}
    else:
        names = set(inspect(connection).get_table_names())
    ours = names & set(Base.metadata.tables)
    revision = None
    if VERSION_TABLE in names:
        revision = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()
    if revision is None and (
        ours or (sqlite and names - {VERSION_TABLE})
    ):  # a server's database may be shared, a file may not
        what = f"has a table '{min(ours or names)}' that suite did not make"
        raise SuiteError(what, where=where, fix="use another --home or --db")
    return None if revision is None else str(revision)


def migrate(engine: Engine, revision: str = "head") -> None:
    """Run the Alembic migrations up to a revision in one transaction; other processes wait for it."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    _set_journal(engine)
    with connected(engine.execution_options(write=True)) as connection, connection.begin():
        if engine.dialect.name == "postgresql":
            connection.execute(text(f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})"))
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def _set_journal(engine: Engine) -> None:
    """Let readers and a writer work at the same time, by a write-ahead log; not on a network file system.

    The mode is stored in the file, so it is set before the first table is made.
    """
    file = sqlite_file(engine.url)
    mode = "WAL" if file is None or network_type(file) is None else "DELETE"
    if engine.dialect.name != "sqlite" or isinstance(engine.pool, StaticPool):
        return
    until = time.monotonic() + BUSY_SECONDS
    connection = engine.raw_connection()
    try:
        while True:
            try:
                connection.cursor().execute(f"PRAGMA journal_mode={mode}")
                return
            except sqlite3.OperationalError as error:  # SQLite does not wait here if another process does the same
                if "locked" not in str(error) or time.monotonic() > until:
                    raise OperationalError(f"PRAGMA journal_mode={mode}", None, error) from None
                time.sleep(0.01)
    finally:
        with signals.held():
            connection.close()
