"""The files of a SQLite store: refuses damaged ones, and opens databases in places that cannot be written."""

from __future__ import annotations

import errno
import os
import secrets
import sqlite3
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final
from urllib.parse import quote

from suite.core.errors import SuiteError, remedy

MAGIC: Final = b"SQLite format 3\0"
RESTORE: Final = "restore a copy (without a -wal and a -shm beside it), or delete it to begin anew"
WAL_HEADER: Final = 32
"""Bytes of a write-ahead log's header; see https://sqlite.org/fileformat2.html#the_write_ahead_log."""
UNWRITABLE: Final = ("unable to open", "readonly", "disk I/O", "is full")
"""SQLite's messages if it cannot create a file beside the database.

Even reading needs one, unless the database is immutable.
"""


def check_file(file: Path, create: bool) -> None:
    """Raises SuiteError unless the file is a SQLite database, or is missing and `create` is set."""
    if file.is_dir():
        raise SuiteError("is a directory, not a database", where=str(file), fix="name a file")
    if not file.exists():
        if not create:
            raise SuiteError("there is no store yet", where=str(file), fix="`suite run` makes one")
        return
    head = _head(file, len(MAGIC))
    if not head:
        raise SuiteError("is empty (0 bytes): what it held is gone", where=str(file), fix=RESTORE)
    if head != MAGIC and MAGIC.startswith(head):
        raise SuiteError(f"is cut short ({len(head)} bytes)", where=str(file), fix=RESTORE)
    if head != MAGIC:
        raise SuiteError("is not a SQLite database", where=str(file), fix="name another with --home or --db")
    log = beside(file, "-wal")
    if not _is_log(log) and not _is_log(log):  # a second attempt: another process may have been writing it
        fix = "restore a copy of both files, or delete the -wal: what was written last is lost then"
        raise SuiteError("is damaged: what it holds would be missing without a word", where=str(log), fix=fix)


def _head(file: Path, size: int) -> bytes:
    try:
        with file.open("rb") as stream:
            return stream.read(size)
    except OSError as error:
        fix = remedy(error.errno)
        raise SuiteError(f"cannot be read ({error.strerror})", where=str(file), fix=fix) from None


def beside(file: Path, suffix: str) -> Path:
    """The path of a file that SQLite keeps beside the database."""
    return file.with_name(file.name + suffix)


def _is_log(file: Path) -> bool:
    """Whether SQLite can read a write-ahead log. SQLite silently treats one with a wrong header as empty."""
    if not file.exists():
        return True
    if not file.is_file():
        return False
    head = _head(file, WAL_HEADER)
    if len(head) < WAL_HEADER:  # its first write was interrupted: nothing was ever committed to it
        return True
    magic, version = struct.unpack(">II", head[:8])
    if magic not in (0x377F0682, 0x377F0683) or version != 3007000:
        return False
    words = struct.unpack(">6I" if magic & 1 else "<6I", head[:24])
    first = second = 0
    for even, odd in zip(words[::2], words[1::2], strict=True):
        first = (first + even + second) & 0xFFFFFFFF
        second = (second + odd + first) & 0xFFFFFFFF
    return struct.unpack(">II", head[24:]) == (first, second)


def unwritable(error: BaseException) -> bool:
    """Whether the error comes from a place where SQLite cannot write."""
    return any(word in str(getattr(error.__cause__, "orig", error.__cause__)) for word in UNWRITABLE)


def immutable(file: Path) -> sqlite3.Connection:
    """A connection that reads the file as it is and writes nothing beside it.

    Raises SuiteError if a file beside the database holds changes that are not in the database yet.
    """
    for suffix in ("-wal", "-journal"):
        log = beside(file, suffix)
        if log.exists() and log.stat().st_size:
            what = f"has changes in {log.name} that cannot be read where nothing can be written"
            fix = "copy both files to a folder of your own, and name it with --home"
            raise SuiteError(what, where=str(file), fix=fix)
    where = f"file:{quote(str(file.absolute()))}?mode=ro&immutable=1"
    return sqlite3.connect(where, uri=True, check_same_thread=False)


@contextmanager
def made_beside(file: Path) -> Iterator[Path]:
    """Yield a temporary file for a new database, then give it the name `file`, unless another process was first.

    A database therefore exists as a whole or not at all, and an empty file is never a database that was just begun.
    """
    fresh = file.with_name(f".{file.name}.{secrets.token_hex(4)}.new")
    try:
        yield fresh
        if beside(fresh, "-wal").exists():  # there was no space to merge it into the file
            raise SuiteError("cannot be written", where=str(file), fix=remedy(errno.ENOSPC))
        with suppress(FileExistsError):
            _named(fresh, file)
    finally:
        for suffix in ("", "-wal", "-shm", "-journal"):
            with suppress(OSError):
                beside(fresh, suffix).unlink(missing_ok=True)


def _named(fresh: Path, file: Path) -> None:
    try:
        os.link(fresh, file)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        if not file.exists():
            fresh.rename(file)
