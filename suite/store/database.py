"""Opening the database: pragmas, the first tables, migrations of older files, and refusal of newer ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, DatabaseError, OperationalError
from sqlalchemy.pool import StaticPool

from suite.errors import SuiteError
from suite.store.tables import REVISION, Base

BUSY_SECONDS = 60.0
VERSION_TABLE = "alembic_version"
MIGRATIONS = Path(__file__).parent / "migrations"
BACKENDS = ("sqlite", "postgresql")


def connect(url: str, create: bool) -> Engine:
    """An engine on an up-to-date database.

    Raises SuiteError for an unknown URL, a file that is missing (unless `create`), is no SQLite database, or was
    written by a newer version.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise SuiteError(f"'{url}' is not a database URL", where="--db", fix="write sqlite:///FILE") from None
    if parsed.get_backend_name() not in BACKENDS:
        raise SuiteError(f"'{parsed.get_backend_name()}' is not supported", where="--db", fix="use SQLite or PostgreSQL")
    sqlite = parsed.get_backend_name() == "sqlite"
    memory = sqlite and parsed.database in (None, "", ":memory:")
    if sqlite and not memory:
        _check_file(Path(str(parsed.database)), create)
    try:
        engine = _engine(url, sqlite, memory)
        _upgrade(engine)
    except ModuleNotFoundError as error:
        raise SuiteError(f"'{url}' needs the package {error.name}", where="--db", fix="pip install it") from None
    except (OperationalError, DatabaseError) as error:
        reason = str(error.orig).splitlines()[0]
        raise SuiteError(f"cannot be used as a database ({reason})", where=parsed.render_as_string()) from None
    return engine


def _check_file(file: Path, create: bool) -> None:
    if file.is_dir():
        raise SuiteError("is a directory, not a database", where=str(file), fix="name a file")
    if not file.exists():
        if not create:
            raise SuiteError("there is no store yet", where=str(file), fix="`suite run` makes one")
        return
    with file.open("rb") as stream:
        head = stream.read(16)
    if head and head != b"SQLite format 3\0":
        raise SuiteError("is not a SQLite database", where=str(file), fix="name another with --home or --db")


def _engine(url: str, sqlite: bool, memory: bool) -> Engine:
    if not sqlite:
        return create_engine(url)
    options: dict[str, Any] = {"connect_args": {"timeout": BUSY_SECONDS, "check_same_thread": False}}
    if memory:
        options["poolclass"] = StaticPool
    engine = create_engine(url, **options)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # transactions are begun below, so that writers queue instead of failing
        cursor = connection.cursor()
        cursor.execute("PRAGMA foreign_keys=ON")
        if not memory:
            cursor.execute("PRAGMA journal_mode=WAL")
            cursor.execute("PRAGMA synchronous=NORMAL")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        # A deferred transaction that reads and then writes can fail at once when another process writes in between.
        write = connection.get_execution_options().get("write", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    return engine


def _upgrade(engine: Engine) -> None:
    """Bring the schema to REVISION. An up-to-date store costs one query."""
    with engine.connect() as connection:
        names = set(inspect(connection).get_table_names()) if engine.dialect.name != "sqlite" else None
        current = _revision(connection, names)
    if current == REVISION:
        return
    if current is not None and current > REVISION:
        raise SuiteError(
            f"was written by a newer version of suite (schema {current}, this one knows {REVISION})",
            where=engine.url.render_as_string(),
            fix="upgrade finetune-suite, or use another --home",
        )
    migrate(engine)


def _revision(connection: Any, names: set[str] | None) -> str | None:
    if names is None:
        query = "SELECT name FROM sqlite_master WHERE type = 'table'"
        names = {row[0] for row in connection.execute(text(query))}
        foreign = names
    else:
        foreign = names & set(Base.metadata.tables)  # a server's database may have other tables beside ours
    if VERSION_TABLE not in names:
        if foreign:
            where = connection.engine.url.render_as_string()
            raise SuiteError("is a database that suite did not make", where=where, fix="use another --home or --db")
        return None
    found = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()
    return None if found is None else str(found)


def migrate(engine: Engine, revision: str = "head") -> None:
    """Run the Alembic migrations up to a revision, in one transaction that other processes wait for."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    with engine.connect().execution_options(write=True) as connection, connection.begin():
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
