"""The folder in which a site is written: beside its final place, and locked while its process lives."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # not on Windows: there, leftovers are removed by age
    fcntl = None  # type: ignore[assignment]

STALE = 3600.0
"""Seconds after which a folder that cannot be locked counts as abandoned."""
OLD = "-old"
"""Suffix of the folder that holds the site that was replaced."""


class Draft:
    """A new folder beside `out`. The caller must always close it. Raises OSError if it cannot be made."""

    def __init__(self, out: Path) -> None:
        out.parent.mkdir(parents=True, exist_ok=True)
        while True:
            self.folder = Path(tempfile.mkdtemp(prefix=_prefix(out), dir=out.parent))
            self._held = _lock(self.folder, wait=True)
            if self._held is None or self.folder.exists():  # otherwise another process removed it before it was locked
                break
            os.close(self._held)

    def close(self) -> None:
        """Remove the folder, if it is still there, and its lock."""
        shutil.rmtree(self.folder, ignore_errors=True)
        if self._held is not None:
            os.close(self._held)


def clear(out: Path) -> None:
    """Remove the drafts of killed processes beside `out`, and the old sites that these processes had moved away."""
    with suppress(OSError):
        leftovers = sorted(
            folder for folder in out.parent.iterdir() if folder.name.startswith(_prefix(out)) and folder.is_dir()
        )
        for folder in leftovers:
            if not folder.name.endswith(OLD):
                _clear(folder)
        for folder in leftovers:
            if folder.name.endswith(OLD) and not folder.with_name(folder.name.removesuffix(OLD)).exists():
                shutil.rmtree(folder, ignore_errors=True)


def _clear(folder: Path) -> None:
    with suppress(OSError):
        descriptor = _lock(folder, wait=False)
        if descriptor is not None or time.time() - folder.stat().st_mtime > STALE:
            shutil.rmtree(folder, ignore_errors=True)
        if descriptor is not None:
            os.close(descriptor)


def _lock(folder: Path, *, wait: bool) -> int | None:
    """A descriptor that locks a folder until its process ends; None if it is locked already or cannot be locked."""
    if fcntl is None:
        return None
    descriptor = -1
    try:
        descriptor = os.open(folder, os.O_RDONLY)
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:  # in use, gone, or a file system without locks
        if descriptor >= 0:
            os.close(descriptor)
        return None
    return descriptor


def _prefix(out: Path) -> str:
    return f".{out.name}.part-"
