"""A SQLite store whose files are damaged or read-only: shown where it can be, else one line with the remedy."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from suite.core.errors import SuiteError
from suite.results.store import StepRecord, Store
from suite.results.store.files import immutable


def stored(folder: Path, steps: int = 1) -> Path:
    file = folder / "suite.db"
    with Store.open(file) as store:
        store.add_steps([StepRecord(str(number), "train", "t" * 200, {}) for number in range(steps)])
    return file


def refusal(file: Path, *, create: bool) -> str:
    with pytest.raises(SuiteError) as raised, Store.open(file, create=create) as store:
        store.count_steps()
    assert "\n" not in str(raised.value)
    assert str(file) in str(raised.value)
    return str(raised.value)


@pytest.mark.parametrize("create", [True, False], ids=["writing", "reading"])
@pytest.mark.parametrize(
    ("size", "what"), [(0, "is empty (0 bytes)"), (7, "cut short"), (50, "malformed"), (20_000, "malformed")]
)
def test_a_file_that_was_cut_off_is_refused_with_the_remedy_and_left_alone(
    tmp_path: Path, create: bool, size: int, what: str
) -> None:
    file = stored(tmp_path, 500)
    os.truncate(file, size)
    told = refusal(file, create=create)
    assert what in told
    assert "restore a copy" in told
    assert file.stat().st_size == size


def test_a_damaged_page_is_refused_with_the_remedy(tmp_path: Path) -> None:
    file = stored(tmp_path, 500)
    with file.open("r+b") as stream:
        stream.seek(4096)
        stream.write(b"\xff" * (file.stat().st_size - 4096))
    assert "malformed); restore a copy" in refusal(file, create=False)


def test_a_database_without_any_table_is_not_taken_for_an_empty_store_by_a_reader(tmp_path: Path) -> None:
    file = tmp_path / "suite.db"
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA user_version = 1")
    assert "holds no table of suite's" in refusal(file, create=False)


@contextmanager
def unfinished(file: Path) -> Iterator[Path]:
    """The files of a process that was killed after it wrote: its changes are in the -wal alone."""
    with Store.open(file) as store:
        store.add_steps([StepRecord("late", "train", "t", {})])
        with store.engine.connect() as connection:  # keeps the log from being brought into the file
            connection.exec_driver_sql("SELECT 1")
            copied = file.with_name("killed")
            copied.mkdir()
            for each in (file, file.with_name(file.name + "-wal")):
                shutil.copy(each, copied / each.name)
            yield copied / file.name


def test_a_log_that_was_left_is_read(tmp_path: Path) -> None:
    with unfinished(stored(tmp_path)) as killed, Store.open(killed, create=False) as store:
        assert store.count_steps() == 2


@pytest.mark.parametrize("place", [0, 9, 17, 30])
def test_a_log_with_a_damaged_header_is_not_passed_over(tmp_path: Path, place: int) -> None:
    with unfinished(stored(tmp_path)) as killed:
        log = killed.with_name("suite.db-wal")
        data = bytearray(log.read_bytes())
        data[place] ^= 4
        log.write_bytes(data)
        told = refusal(killed, create=False)
        assert "suite.db-wal: is damaged" in told
        assert "restore a copy of both files" in told


def test_a_log_whose_first_write_was_cut_off_held_nothing(tmp_path: Path) -> None:
    file = stored(tmp_path)
    file.with_name("suite.db-wal").write_bytes(b"\x37\x7f\x06")
    with Store.open(file, create=False) as store:
        assert store.count_steps() == 1


def test_an_index_of_the_log_that_is_rubbish_is_made_anew(tmp_path: Path) -> None:
    with unfinished(stored(tmp_path)) as killed:
        killed.with_name("suite.db-shm").write_bytes(os.urandom(32768))
        with Store.open(killed, create=False) as store:
            assert store.count_steps() == 2


def test_a_folder_in_place_of_a_log_is_refused(tmp_path: Path) -> None:
    file = stored(tmp_path)
    file.with_name("suite.db-wal").mkdir()
    refusal(file, create=True)


ANOTHER_USER = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0 or shutil.which("setpriv") is None, reason="needs root, to be another"
)
COUNT = "from pathlib import Path; from suite.results.store import Store; import sys\n"
COUNT += "from suite.core.errors import SuiteError\n"
COUNT += "try:\n  with Store.open(Path(sys.argv[1]), create=sys.argv[2] == 'create') as s: print(s.count_steps())\n"
COUNT += "except SuiteError as error: print(error)"


@pytest.fixture
def public(tmp_path: Path) -> Iterator[Path]:
    """A folder that any user may enter and none but root may write to."""
    opened = [
        each for each in (tmp_path, *tmp_path.parents) if each.owner() == "root" and str(each).startswith("/tmp/")
    ]
    before = {each: each.stat().st_mode for each in opened}
    for each in opened:
        each.chmod(0o755)
    yield tmp_path
    for each, mode in before.items():
        each.chmod(mode)


def as_nobody(file: Path, how: str = "", before: str = "") -> str:
    command = [
        "setpriv",
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
        sys.executable,
        "-c",
        before + COUNT,
        str(file),
        how,
    ]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@ANOTHER_USER
def test_a_store_of_another_user_can_be_shown_and_not_written(public: Path) -> None:
    file = stored(public, 3)
    assert as_nobody(file) == "3"
    assert sorted(each.name for each in public.iterdir()) == ["suite.db"]
    told = as_nobody(file, "create")
    assert told.startswith(f"{file}: cannot be used as a database (")
    assert "or use another" in told


@ANOTHER_USER
def test_one_on_a_network_file_system_can_be_shown_too(public: Path) -> None:
    """It has a write-ahead log, which could only be given up where it can be written."""
    file, mounts = stored(public, 3), public / "mounts"
    mounts.write_text(f"66 27 0:52 / {public} rw - nfs4 filer:/x rw\n")
    there = f"from suite.results.store import filesystems as f; f.MOUNTS = f.Path({str(mounts)!r})\n"
    assert as_nobody(file, before=there) == "3"
    assert sorted(each.name for each in public.iterdir()) == ["mounts", "suite.db"]
    assert as_nobody(file, "create", there).startswith(f"{file}: cannot be used as a database (")


@ANOTHER_USER
def test_changes_that_nobody_can_read_there_are_not_passed_over(public: Path) -> None:
    with unfinished(stored(public)) as killed:
        told = as_nobody(killed)
        assert told.startswith(f"{killed}: has changes in suite.db-wal that cannot be read")
        assert "copy both files" in told


@ANOTHER_USER
def test_an_older_store_that_cannot_be_upgraded_where_it_is_says_so(public: Path) -> None:
    file = stored(public)
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0001'")
    connection.close()
    told = as_nobody(file)
    assert "older version of suite (schema 0001) and cannot be upgraded where it is; copy its folder" in told


def test_an_immutable_file_may_be_called_anything(tmp_path: Path) -> None:
    folder = tmp_path / "a?mode=rw#%41 ä"
    folder.mkdir()
    connection = immutable(stored(folder))
    assert connection.execute("SELECT count(*) FROM step").fetchone() == (1,)
    connection.close()


def test_a_store_that_cannot_be_made_leaves_nothing_behind(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, before[1]))
    try:
        with pytest.raises(SuiteError, match="make room"), Store.open(tmp_path / "suite.db"):
            pass
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []
    stored(tmp_path)


def test_a_schema_whose_names_are_not_text_is_refused_in_one_line(tmp_path: Path) -> None:
    content = stored(tmp_path).read_bytes()
    start, told = content.index(b"CREATE TABLE answer"), []
    for place in range(start + 8, start + 60):
        changed = bytearray(content)
        changed[place] ^= 0x80
        file = tmp_path / f"{place}.db"
        file.write_bytes(changed)
        try:
            with Store.open(file, create=False) as store:
                store.count_steps()
        except SuiteError as error:
            told.append(str(error))
    assert any("in its schema is not text" in each for each in told)
