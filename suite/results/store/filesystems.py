"""File systems on which SQLite is not safe between machines: its write-ahead log needs memory that they share."""

from __future__ import annotations

import os
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

from sqlalchemy import URL

from suite.core.errors import SuiteError

MOUNTS: Final = Path("/proc/self/mountinfo")
"""Linux's list of mounted file systems; see proc_pid_mountinfo(5). Other systems have none."""
NETWORK: Final = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "virtiofs", "lustre", "gpfs", "ceph", "beegfs", "glusterfs", "afs",
     "pvfs2", "orangefs", "panfs", "wekafs", "ncpfs", "coda", "acfs", "ocfs2", "gfs2"}
)  # fmt: skip
"""Types of file systems that several machines may mount."""
NETWORK_FUSE: Final = frozenset(
    {"sshfs", "glusterfs", "ceph", "ceph-fuse", "s3fs", "gcsfuse", "goofys", "rclone", "juicefs", "beegfs", "curlftpfs",
     "davfs", "davfs2", "blobfuse", "blobfuse2", "mount-s3", "seaweedfs", "moosefs", "mfs", "lizardfs", "smbnetfs"}
)  # fmt: skip
"""The same for types of the form `fuse.NAME`."""
SERVER: Final = "postgresql+psycopg://USER@HOST/NAME"
_ESCAPED: Final = re.compile(r"\\([0-7]{3})")


def sqlite_file(url: URL) -> Path | None:
    """The file of a SQLite database; None for a database in memory or on a server."""
    if url.get_backend_name() != "sqlite" or url.database in (None, "", ":memory:"):
        return None
    return Path(str(url.database))


def filesystem_type(path: str, mounts: str) -> str | None:
    """The type of the file system that holds an absolute path without links, by the text of mountinfo; None if unknown.

    It is that of the longest mount point above the path; of several at one point, the last one hides the others.
    """
    longest, found = -1, None
    for line in mounts.splitlines():
        place, _, system = line.partition(" - ")
        fields, types = place.split(" "), system.split(" ")
        if len(fields) < 6 or not types[0]:
            continue
        point = _ESCAPED.sub(lambda match: chr(int(match[1], 8)), fields[4])
        above = point == "/" or path == point or path.startswith(f"{point}/")
        if above and len(point) >= longest:
            longest, found = len(point), types[0]
    return found


def network_type(file: Path) -> str | None:
    """The type of the network file system that a file is or would be on; None for any other, or if unknown."""
    try:
        mounts = MOUNTS.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return None
    found = filesystem_type(os.path.realpath(file), mounts)
    if found is None:
        return None
    prefix, _, name = found.partition(".")
    return found if found in NETWORK or (prefix == "fuse" and name in NETWORK_FUSE) else None


def caution(file: Path | None) -> str | None:
    """One line about a SQLite file (None: a database without one) on a network file system; None on any other."""
    found = None if file is None else network_type(file)
    if found is None:
        return None
    return (
        f"{file} is on a network file system ({found}), where SQLite's locks may not hold between machines: "
        f"if more than one machine uses it, keep the store in PostgreSQL (--db {SERVER})"
    )


def leave_wal(file: Path, kind: str) -> None:
    """Let a database on a network file system of this kind have no write-ahead log any more.

    Raises SuiteError if another process uses it, and sqlite3's errors if it cannot be written or is damaged.
    """
    with file.open("rb") as stream:
        if stream.read(20)[18:] != b"\2\2":  # https://sqlite.org/fileformat2.html#file_format_version_numbers
            return
    try:
        with closing(sqlite3.connect(file, timeout=1.0, isolation_level=None)) as connection:
            connection.execute("PRAGMA locking_mode=EXCLUSIVE")  # so that it needs no shared memory
            connection.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.OperationalError as error:
        if "locked" not in str(error):
            raise
        what = f"has a write-ahead log, which is not safe on a network file system ({kind}), and is in use"
        fix = (
            f"end the processes that use it, then run the same command again; or keep it in PostgreSQL (--db {SERVER})"
        )
        raise SuiteError(what, where=str(file), fix=fix) from error
