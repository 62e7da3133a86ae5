"""Disk space of a home: what is free, and what is left of the user's own limit."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from suite.core.errors import StepFailed
from suite.core.quantities import size


@dataclass(frozen=True)
class DiskSpace:
    """The disk of a folder, and how much the folder may hold."""

    folder: Path
    limit: int | None = None
    """Bytes that the folder may hold in all; None: as much as the disk has room for."""

    def require(self, needed: int, use: str, otherwise: str = "") -> None:
        """Raises StepFailed, in one line with a remedy, if there is no room for `needed` bytes more.

        `use` is what needs them; `otherwise` is a remedy besides making room.
        """
        more = f", or {otherwise}" if otherwise else ""
        free = self.free
        if free < needed:
            fix = f"make room, or choose a folder on another disk with --home{more}"
            raise StepFailed(f"{use} takes {size(needed)}, and the disk has {size(free)} free: {fix}")
        if self.limit is None:
            return
        used = bytes_in(self.folder)
        if used + needed > self.limit:
            has = f"{self.folder} has {size(used)} of the {size(self.limit)} of --max-disk or budget.max_disk"
            raise StepFailed(f"{use} takes {size(needed)}, and {has}: raise it, or free some with `suite gc`{more}")

    @property
    def free(self) -> int:
        """Bytes that are free on the folder's disk; the folder may not exist yet."""
        folder = self.folder.resolve()
        return shutil.disk_usage(next(each for each in (folder, *folder.parents) if each.exists())).free


def bytes_in(path: Path) -> int:
    """Bytes of a file, or of all files in a folder; 0 if there is none. Links are not followed."""
    try:
        found = path.lstat()
    except OSError:
        return 0
    return sum(_sizes(path)) if stat.S_ISDIR(found.st_mode) else found.st_size


def _sizes(folder: Path) -> Iterator[int]:
    """Yield the size of each file. Other processes may remove files meanwhile."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            with suppress(OSError):
                if entry.is_dir(follow_symlinks=False):
                    yield from _sizes(Path(entry.path))
                else:
                    yield entry.stat(follow_symlinks=False).st_size
