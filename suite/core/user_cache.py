"""Values that are cached between runs in the user's cache folder; without a folder to write to, they are made anew.

Several processes may share the folder: a value is written beside its place and then moved there. Each value has its
SHA-256 before it, so a damaged one counts as missing.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Final

MOST_BYTES: Final = 128 << 20
"""Bytes of one kind of values; the oldest are removed."""
MOST_FILES: Final = 256
"""Number of values of one kind."""
_DIGEST: Final = sha256().digest_size


def cache_folder() -> Path:
    """The folder of all cached values; it may not exist."""
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "finetune-suite"


def cached(kind: str, key: str) -> bytes | None:
    """A cached value; None if there is none, or if it is damaged. `key` is a file name, such as a hash."""
    with suppress(OSError, RuntimeError):  # no such file, not readable, or no home
        file = cache_folder() / kind / key
        content = file.read_bytes()
        if sha256(memoryview(content)[_DIGEST:]).digest() == content[:_DIGEST]:
            with suppress(OSError):
                os.utime(file)  # what is in use is removed last
            return content[_DIGEST:]
    return None


def keep(kind: str, key: str, value: bytes) -> None:
    """Cache a value, and remove the oldest values of this kind if there are too many."""
    with suppress(OSError, RuntimeError):  # a read-only home costs time, not correctness
        folder = cache_folder() / kind
        folder.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=".", dir=folder)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(sha256(value).digest() + value)
            os.replace(name, folder / key)
        except BaseException:
            os.unlink(name)
            raise
        _prune(folder)


def _prune(folder: Path) -> None:
    with os.scandir(folder) as entries:
        stats = sorted(((entry.stat(), entry.path) for entry in entries), key=lambda pair: -pair[0].st_mtime_ns)
    total = 0
    for index, (stat, path) in enumerate(stats):
        total += stat.st_size
        if index and (total > MOST_BYTES or index >= MOST_FILES):
            with suppress(OSError):  # another process removed it
                os.unlink(path)
