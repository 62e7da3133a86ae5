"""The SQLite files that this process has open: nothing else may open such a file, not even to read it.

SQLite's locks are POSIX record locks: when a process closes any descriptor of a file, it loses all its locks on it.
Another process could then take itself for the last one, remove the write-ahead log, and damage the database
(https://sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled_by_a_separate_thread_doing_close_).
"""

from __future__ import annotations

import threading
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

LOCK: Final = threading.RLock()
"""Held from a look at whether a file is open here until it is, and while it is read otherwise."""
_FILES: Final = Counter[tuple[int, int]]()
"""(device, inode) -> number of engines."""
_ENGINES: Final = dict[int, tuple[int, int]]()


def is_open(file: Path) -> bool:
    """Whether this process has an engine on the file, under any name."""
    return _FILES[_identity(file)] > 0 if file.exists() else False


def opened(engine: Any, file: Path) -> None:
    """Count an engine on a file."""
    with LOCK, suppress(OSError):
        _ENGINES[id(engine)] = identity = _identity(file)
        _FILES[identity] += 1


def closed(engine: Any) -> None:
    """Forget an engine, whose connections are closed."""
    with LOCK:
        identity = _ENGINES.pop(id(engine), None)
        if identity is not None:
            _FILES[identity] -= 1


def _identity(file: Path) -> tuple[int, int]:
    state = file.stat()
    return state.st_dev, state.st_ino
