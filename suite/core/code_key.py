"""A key of this program: another one whenever its code or a package changes."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from suite.core.hashing import fingerprint

PACKAGES: Final = ("leaderboard", "suite")
SUFFIXES: Final = (".py", ".j2", ".css", ".js")


@cache
def package_folder(package: str) -> Path:
    """The folder of one of our packages, which is not imported for it."""
    spec = find_spec(package)
    assert spec is not None
    return Path(str(next(iter(spec.submodule_search_locations or ()))))


@cache
def code_key() -> str:
    """A hash of names, sizes and modification times of all sources, as Python itself decides about its bytecode.

    Installed packages are represented by the folders that they are installed in: a changed version changes their time.
    """
    parts: list[object] = [sys.version]
    for package in PACKAGES:
        parts += _stamps(str(package_folder(package)), package)
    for folder in sys.path:
        if folder.endswith(("site-packages", "dist-packages")) and os.path.isdir(folder):
            parts.append([folder, os.stat(folder).st_mtime_ns])
    return fingerprint(parts, 32)


def _stamps(folder: str, name: str) -> Iterator[list[object]]:
    with os.scandir(folder) as found:
        entries = sorted(found, key=lambda entry: entry.name)
    for entry in entries:
        if entry.is_dir():
            if entry.name not in ("__pycache__", "records"):
                yield from _stamps(entry.path, f"{name}/{entry.name}")
        elif entry.name.endswith(SUFFIXES):
            stat = entry.stat()
            yield [f"{name}/{entry.name}", stat.st_size, stat.st_mtime_ns]
