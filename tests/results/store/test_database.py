"""Opening: new, older and newer files, and things that are no store."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, event, text

from suite.core import signals
from suite.core.errors import SuiteError
from suite.core.run_dir import RunDir
from suite.results.store import StepRecord, Store, database
from suite.results.store.tables import REVISION, Base

SECOND = """
from alembic import op
import sqlalchemy as sa
revision = "0005"
down_revision = "0004"
def upgrade():
    op.add_column("step", sa.Column("colour", sa.Text(), nullable=True))
"""


def version(file: Path) -> str:
    with sqlite3.connect(file) as connection:
        return str(connection.execute("SELECT version_num FROM alembic_version").fetchone()[0])


def test_the_migrations_make_exactly_the_tables_of_the_code(tmp_path: Path) -> None:
    with Store.open(tmp_path / "suite.db"):
        pass
    with create_engine(f"sqlite:///{tmp_path / 'suite.db'}").connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
    assert version(tmp_path / "suite.db") == REVISION


def test_an_older_file_is_upgraded_and_keeps_its_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "suite.db"
    with Store.open(file) as store:
        store.add_steps([StepRecord("a", "train", "t", {})])
    shutil.copytree(database.MIGRATIONS, tmp_path / "migrations")
    (tmp_path / "migrations" / "versions" / "r0005_second.py").write_text(SECOND)
    monkeypatch.setattr(database, "MIGRATIONS", tmp_path / "migrations")
    monkeypatch.setattr(database, "REVISION", "0005")
    with Store.open(file) as store:
        assert store.count_steps() == 1
    assert version(file) == "0005"


def test_a_newer_file_is_refused_with_the_remedy_and_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "suite.db"
    with Store.open(file):
        pass
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(SuiteError, match=r"newer version of suite.*upgrade"), Store.open(file):
        pass
    assert version(file) == "9999"


def test_what_is_no_store_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("just a text, and a long one at that")
    with sqlite3.connect(tmp_path / "other.db") as connection:
        connection.execute("CREATE TABLE songs (title TEXT)")
    (tmp_path / "broken.db").write_bytes(b"SQLite format 3\0" + b"\xff" * 4096)
    cases = {
        tmp_path: "is a directory",
        tmp_path / "text.db": "not a SQLite database",
        tmp_path / "other.db": "suite did not make",
        tmp_path / "broken.db": "cannot be used as a database",
        tmp_path / "no" / "such" / "folder.db": "cannot be used as a database",
    }
    for file, message in cases.items():
        with pytest.raises(SuiteError, match=message) as raised, Store.open(file):
            pass
        assert "\n" not in str(raised.value)


def test_a_store_that_has_to_be_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match="no store yet"), Store.open(tmp_path / "suite.db", create=False):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("url", ["no url at all", "mysql://somewhere/x", "foo://x", "sqlite+foo:///x"])
def test_an_unusable_url_is_refused(url: str) -> None:
    with pytest.raises(SuiteError, match="--db"), Store.open(url):
        pass


@pytest.mark.parametrize(
    ("driver", "url", "fix"),
    [
        ("psycopg", "postgresql+psycopg://me:secret@host/x", 'pip install "finetune-suite[postgres]"'),
        ("psycopg2", "postgresql+psycopg2://host/x", '"finetune-suite[postgres]", and write postgresql+psycopg://…'),
    ],
)
def test_a_driver_that_is_missing_is_named_with_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, driver: str, url: str, fix: str
) -> None:
    monkeypatch.setitem(sys.modules, driver, None)
    with pytest.raises(SuiteError) as raised, Store.open(url):
        pass
    told = str(raised.value)
    assert f"its driver cannot be loaded (import of {driver} halted" in told
    assert told.endswith(fix)
    assert "\n" not in told
    assert "secret" not in told


def test_opening_an_up_to_date_store_does_not_load_alembic_or_torch(tmp_path: Path) -> None:
    with Store.open(tmp_path / "suite.db"):
        pass
    code = (
        "import sys; from pathlib import Path; from suite.results.store import Store\n"
        f"with Store.open(Path({str(tmp_path / 'suite.db')!r})) as store: store.count_steps()\n"
        "print([name for name in ('alembic', 'torch', 'scipy') if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_statements_compile_for_postgresql() -> None:
    from sqlalchemy.dialects import postgresql
    from sqlalchemy.schema import CreateTable

    for table in Base.metadata.sorted_tables:
        assert "CREATE TABLE" in str(CreateTable(table).compile(dialect=postgresql.dialect()))


def test_a_file_is_in_wal_mode_and_every_connection_minds_foreign_keys(tmp_path: Path) -> None:
    with Store.open(tmp_path / "suite.db") as store:
        for _ in range(2):
            with store.engine.connect() as connection:
                assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
                assert connection.execute(text("PRAGMA foreign_keys")).scalar() == 1
            store.engine.dispose()


def test_a_migration_that_fails_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "suite.db"
    with Store.open(file):
        pass
    shutil.copytree(database.MIGRATIONS, tmp_path / "migrations")
    broken = SECOND + '    op.execute("INSERT INTO nowhere VALUES (1)")\n'
    (tmp_path / "migrations" / "versions" / "r0005_second.py").write_text(broken)
    with monkeypatch.context() as patch:
        patch.setattr(database, "MIGRATIONS", tmp_path / "migrations")
        patch.setattr(database, "REVISION", "0005")
        with pytest.raises(SuiteError, match="nowhere"), Store.open(file):
            pass
    assert version(file) == REVISION
    with Store.open(file) as store, store.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []


def test_another_programs_tables_of_our_names_are_refused_and_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "theirs.db"
    for statements in (
        ["CREATE TABLE step (mine TEXT)"],
        ["CREATE TABLE alembic_version (version_num TEXT)"],
        ["INSERT INTO alembic_version VALUES ('f00ba4')"],
    ):
        with sqlite3.connect(file) as connection:
            for statement in statements:
                connection.execute(statement)
        with pytest.raises(SuiteError, match=r"did not make|another program's") as raised, Store.open(file):
            pass
        assert str(file) in str(raised.value)
    with sqlite3.connect(file) as connection:
        assert [row[0] for row in connection.execute("SELECT name FROM sqlite_master ORDER BY name")] == [
            "alembic_version", "step",
        ]  # fmt: skip


def test_a_store_that_cannot_be_written_to_is_told_in_one_line(tmp_path: Path) -> None:
    with Store.open(tmp_path / "suite.db") as store:
        with store.engine.connect() as connection:
            connection.execute(text("PRAGMA query_only=ON"))
        with pytest.raises(SuiteError, match=r"cannot be used as a database .*readonly") as raised:
            store.add_steps([StepRecord("a", "train", "t", {})])
        assert "\n" not in str(raised.value)


def test_a_password_is_never_shown() -> None:
    url = "postgresql+psycopg://me:secret@127.0.0.1:1/x"
    with pytest.raises(SuiteError) as raised, Store.open(url):
        pass
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    "name",
    ["a b", "ä 狗", "a#b", "a%20b", "a?b", "a?mode=memory", ":memory:", "it's", "a&b=c", 'a"b', "file:x", "%(here)s"],
)
def test_a_store_is_where_its_home_is_whatever_that_is_called(tmp_path: Path, name: str) -> None:
    home = RunDir(tmp_path / name).create()
    with Store.open(home.url) as store:
        store.add_steps([StepRecord("a", "train", "t", {})])
    assert [file.name for file in tmp_path.iterdir()] == [name]
    assert home.exists
    with Store.open(home.url, create=False) as store:
        assert store.count_steps() == 1


def test_a_relative_file_may_be_called_as_sqlite_calls_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with Store.open(Path(":memory:")):
        pass
    assert Path(":memory:").is_file()


def test_a_home_whose_name_is_no_text_is_refused() -> None:
    with pytest.raises(SuiteError, match="is no name in UTF-8; choose another with --home"):
        RunDir(Path("runs\udcff"))


@pytest.mark.parametrize("moment", ["reset", "close"])
def test_a_signal_while_a_connection_is_closed_ends_the_command_without_a_traceback(
    moment: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def killed(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    def read() -> None:
        with signals.ending(), Store.open(tmp_path / "suite.db") as store:
            event.listen(store.engine, moment, killed)
            store.statuses(["a"])

    with pytest.raises(signals.EndedBySignal):
        read()
    assert [record for record in caplog.records if record.exc_info] == []
