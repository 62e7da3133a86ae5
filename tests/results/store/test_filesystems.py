"""Network file systems are noticed, and SQLite keeps no write-ahead log there."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from suite.core.errors import SuiteError
from suite.results.store import Store, caution_about, filesystems
from suite.results.store.filesystems import filesystem_type, network_type
from tests.cli.calls import SMALL
from tests.forks import Forked
from tests.results.store.test_claims import STEPS, _take
from tests.results.store.test_files import stored, unfinished
from tests.results.store.test_store import STEP, finished

MOUNTS = r"""
27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw,discard
22 27 0:21 / /proc rw,nosuid,nodev,noexec,relatime shared:14 - proc proc rw
66 27 0:52 / /home rw,relatime shared:33 - nfs4 filer:/home rw,vers=4.2,rsize=1048576,hard,proto=tcp,addr=10.0.0.2
71 66 0:58 / /home/local rw,relatime - xfs /dev/sdb1 rw,attr2,inode64
80 27 0:61 /projects /mnt/my\040projects rw,relatime shared:41 master:7 - cifs //server/share rw,vers=3.1.1,user=a
81 27 0:62 / /mnt/tools rw,nosuid,nodev,relatime shared:42 - fuse.sshfs me@host:/tools rw,user_id=1000,group_id=1000
82 27 0:63 / /mnt/disk rw,nosuid,nodev,relatime shared:43 - fuseblk /dev/sdc1 rw,user_id=0,group_id=0
83 27 0:64 / /scratch rw,relatime - lustre 10.0.0.1@tcp:10.0.0.2@tcp:/scratch rw,flock,lazystatfs
84 27 0:65 / /data rw,relatime shared:50 - autofs /etc/auto.data rw,fd=6,pgrp=1,timeout=300
85 84 0:66 / /data rw,relatime shared:51 - nfs filer:/data rw,vers=3
86 27 0:70 / /mnt/c rw,noatime - 9p C:\134 rw,dirsync,aname=drvfs
87 27 0:71 / /var/lib/docker/overlay2/merged rw,relatime - overlay overlay rw,lowerdir=/l - /u
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "ext4"), ("/homework/runs", "ext4"), ("/home", "nfs4"), ("/home/me/runs/suite.db", "nfs4"),
        ("/home/local/runs", "xfs"), ("/home/localities", "nfs4"), ("/mnt/my projects/runs", "cifs"),
        ("/mnt/tools/x", "fuse.sshfs"), ("/mnt/disk/x", "fuseblk"), ("/scratch/me", "lustre"), ("/data/x", "nfs"),
        ("/mnt/c/Users", "9p"), ("/var/lib/docker/overlay2/merged/x", "overlay"),
    ],
)  # fmt: skip
def test_the_longest_and_last_mount_point_tells_the_file_system(path: str, kind: str) -> None:
    assert filesystem_type(path, MOUNTS) == kind


@pytest.mark.parametrize("text", ["", "\n\n", "27 1 254:0 / / rw", "27 1 254:0 / / rw - ", "no mounts at all"])
def test_lines_that_are_no_mounts_tell_nothing(text: str) -> None:
    assert filesystem_type("/x", text) is None


def mounted(monkeypatch: pytest.MonkeyPatch, folder: Path, kind: str) -> Path:
    """Let the system say that a folder is on a file system of this kind."""
    mounts = folder.with_name(f"{folder.name}.mounts")
    point = str(folder).replace(" ", "\\040")
    mounts.write_text(f"27 1 254:0 / / rw - ext4 /dev/vda rw\n66 27 0:52 / {point} rw shared:33 - {kind} filer:/x rw\n")
    monkeypatch.setattr(filesystems, "MOUNTS", mounts)
    return mounts


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that the system says is on NFS."""
    folder = tmp_path / "my home"
    folder.mkdir()
    mounted(monkeypatch, folder, "nfs4")
    return folder


def mode(file: Path) -> str:
    with closing(sqlite3.connect(file)) as connection:
        return str(connection.execute("PRAGMA journal_mode").fetchone()[0])


def put(file: Path) -> None:
    """A store with a finished step."""
    with Store.open(file) as store:
        store.add_steps([STEP])
        finished(store)


@pytest.mark.parametrize(
    ("kind", "found"),
    [("nfs", "nfs"), ("fuse.sshfs", "fuse.sshfs"), ("ext4", None), ("fuse.portal", None), ("sshfs", None)],
)
def test_only_network_file_systems_are_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, found: str | None
) -> None:
    mounted(monkeypatch, tmp_path / "x", kind)
    assert network_type(tmp_path / "x" / "not" / "yet" / "suite.db") == found
    (tmp_path / "link").symlink_to(tmp_path / "x")
    assert network_type(tmp_path / "link" / "suite.db") == found


def test_a_system_that_lists_no_mounts_is_as_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filesystems, "MOUNTS", tmp_path / "none")
    assert network_type(tmp_path / "suite.db") is None
    put(tmp_path / "suite.db")
    assert mode(tmp_path / "suite.db") == "wal"


def test_a_new_store_there_has_no_write_ahead_log_and_loses_nothing_with_the_power(home: Path) -> None:
    put(home / "suite.db")
    assert mode(home / "suite.db") == "delete"
    with Store.open(home / "suite.db") as store, store.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2  # FULL
        assert store.statuses(["a"]) == {"a": "done"}
    assert [file.name for file in home.iterdir()] == ["suite.db"]


def test_a_store_that_has_one_is_converted_and_keeps_its_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "home" / "suite.db"
    file.parent.mkdir()
    put(file)
    assert mode(file) == "wal"
    mounted(monkeypatch, file.parent, "nfs4")
    with Store.open(file, create=False) as store:
        assert store.statuses(["a"]) == {"a": "done"}
        store.scores(["a"])
        assert store.alteration() is None
    assert mode(file) == "delete"
    assert [each.name for each in file.parent.iterdir()] == ["suite.db"]


def test_a_store_that_has_one_and_is_in_use_is_refused_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "home" / "suite.db"
    file.parent.mkdir()
    put(file)
    other = sqlite3.connect(file)
    other.execute("SELECT count(*) FROM step").fetchall()
    mounted(monkeypatch, file.parent, "nfs4")
    with pytest.raises(SuiteError) as raised, Store.open(file):
        pass
    told = str(raised.value)
    assert told.startswith(
        f"{file}: has a write-ahead log, which is not safe on a network file system (nfs4), and is in "
    )
    assert "--db postgresql+psycopg://" in told
    assert "\n" not in told
    other.close()
    with Store.open(file) as store:
        assert store.statuses(["a"]) == {"a": "done"}


def _take_there(mounts: Path, url: str, start: Any, taken: Any) -> None:
    filesystems.MOUNTS = mounts  # type: ignore[misc]
    _take(url, start, taken)


def test_processes_that_start_at_once_share_the_steps_without_a_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "home").mkdir()
    mounts, url = mounted(monkeypatch, tmp_path / "home", "nfs4"), f"sqlite:///{tmp_path / 'home' / 'suite.db'}"
    context = multiprocessing.get_context("spawn")
    start, taken = context.Barrier(2, timeout=30), context.Queue()
    workers = [context.Process(target=_take_there, args=(mounts, url, start, taken)) for _ in range(2)]
    for worker in workers:
        worker.start()
    claims = [step for _ in workers for step in taken.get(timeout=60)]
    for worker in workers:
        worker.join(30)
    assert sorted(claims) == sorted(STEPS)
    assert mode(tmp_path / "home" / "suite.db") == "delete"


def test_the_caution_is_one_line_with_the_remedy_and_concerns_files_only(home: Path) -> None:
    line = caution_about(home / "suite.db")
    assert line == caution_about(f"sqlite:///{home / 'suite.db'}")
    assert line is not None
    assert "on a network file system (nfs4)" in line
    assert line.endswith("keep the store in PostgreSQL (--db postgresql+psycopg://USER@HOST/NAME)")
    assert caution_about("sqlite://") is None
    assert caution_about("postgresql+psycopg://me@host/name") is None
    assert caution_about(home.parent / "suite.db") is None


THERE = """
import sys
from pathlib import Path
from suite.results.store import filesystems
filesystems.MOUNTS = Path(sys.argv.pop(1))
from suite.cli import main
main()
"""


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, list[str]]:
    """A home on NFS, and the start of a command for it."""
    home = tmp_path / "home"
    home.mkdir()
    return home, ["-c", THERE, str(mounted(monkeypatch, home, "nfs4"))]


def test_a_run_and_the_doctor_say_so_once(told: tuple[Path, list[str]]) -> None:
    home, command = told
    line = caution_about(home / "suite.db")
    small = [*SMALL, "--set", "method.steps=2", "--no-pages"]
    for arguments in (["doctor"], ["run", "specs/prompt_tuning_rte.yaml", "--track=micro", *small], ["doctor"]):
        process = Forked([*command, *arguments, "--home", str(home)], os.environ)
        out, err = process.communicate(timeout=120)
        assert process.wait() == 0, err
        assert (out + err).count(str(line)) == 1


SFTP = next(filter(os.path.exists, ("/usr/lib/openssh/sftp-server", "/usr/libexec/openssh/sftp-server")), None)


@pytest.fixture
def sshfs(tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    """A folder, and the same through sshfs, whose server this machine is, without a network."""
    if shutil.which("sshfs") is None or SFTP is None:
        pytest.skip("needs sshfs and the SFTP server of OpenSSH")
    ssh, folder, mounted = tmp_path / "ssh", tmp_path / "folder", tmp_path / "mounted"
    ssh.write_text(f"#!/bin/sh\nexec {SFTP}\n")
    ssh.chmod(0o755)
    folder.mkdir()
    mounted.mkdir()
    command = ["sshfs", "-o", f"ssh_command={ssh}", f"localhost:{folder}", str(mounted)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    if done.returncode:
        pytest.skip(f"sshfs cannot mount here: {done.stderr.strip()[:100]}")
    yield folder, mounted
    subprocess.run(["fusermount3", "-u", "-z", str(mounted)], check=True, timeout=30)


def test_a_store_on_a_real_one_is_made_converted_and_shared(sshfs: tuple[Path, Path]) -> None:
    folder, there = sshfs
    put(there / "new.db")
    assert mode(folder / "new.db") == "delete"
    put(folder / "old.db")
    assert mode(folder / "old.db") == "wal"
    with Store.open(there / "old.db", create=False) as store:
        assert store.statuses(["a"]) == {"a": "done"}
    assert mode(folder / "old.db") == "delete"
    assert "(fuse.sshfs)" in str(caution_about(there / "old.db"))
    assert caution_about(folder / "old.db") is None
    context = multiprocessing.get_context("spawn")
    start, taken = context.Barrier(2, timeout=60), context.Queue()
    url = f"sqlite:///{there / 'shared.db'}"
    workers = [context.Process(target=_take, args=(url, start, taken)) for _ in range(2)]
    for worker in workers:
        worker.start()
    claims = [step for _ in workers for step in taken.get(timeout=120)]
    for worker in workers:
        worker.join(30)
    assert sorted(claims) == sorted(STEPS)


def test_what_a_killed_process_left_in_the_log_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with unfinished(stored(tmp_path)) as killed:
        assert killed.with_name("suite.db-wal").stat().st_size > 0
        mounted(monkeypatch, killed.parent, "nfs4")
        with Store.open(killed, create=False) as store:
            assert store.count_steps() == 2
        assert mode(killed) == "delete"
        assert not killed.with_name("suite.db-wal").exists()
