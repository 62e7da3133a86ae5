"""Open regular files only: reading a FIFO, a socket or a device may block for ever."""

from __future__ import annotations

import errno
import stat
from pathlib import Path
from typing import BinaryIO, Final

_KINDS: Final = (
    (stat.S_ISFIFO, "a FIFO"), (stat.S_ISSOCK, "a socket"), (stat.S_ISCHR, "a device"), (stat.S_ISBLK, "a device"),
)  # fmt: skip


class NotRegular(OSError):
    """The path is not a regular file."""

    FIX: Final = "name a file, or take it away"


def open_regular(path: Path) -> BinaryIO:
    """Open a file for reading bytes. Raises NotRegular for a FIFO, a socket or a device, and OSError as `open` does."""
    mode = path.stat().st_mode
    kind = next((name for is_kind, name in _KINDS if is_kind(mode)), None)
    if kind is not None:
        raise NotRegular(errno.EINVAL, f"it is {kind}, not a regular file", str(path))
    return path.open("rb")
