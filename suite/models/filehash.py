"""Hashes of big files, cached between runs so that a plan does not read gigabytes of weights each time."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

from suite.core.hashing import file_hash
from suite.core.user_cache import cache_folder

WORTH_KEEPING = 4 << 20
"""Bytes; smaller files are hashed each time."""


def cached_file_hash(path: Path) -> str:
    """The SHA-256 of a file, from the cache if its path, size and modification time are unchanged."""
    stat = path.stat()
    if stat.st_size < WORTH_KEEPING:
        return file_hash(path)
    key = f"{path.resolve()}|{stat.st_size}|{stat.st_mtime_ns}"
    cache = _cache_file()
    hashes = _read(cache)
    if key not in hashes:
        hashes = {**hashes, key: file_hash(path)}
        _write(cache, hashes)
    return hashes[key]


def _cache_file() -> Path:
    return cache_folder() / "hashes.json"


def _read(cache: Path) -> dict[str, str]:
    try:
        hashes = json.loads(cache.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # missing or incomplete: the hashes are simply computed
        return {}
    return hashes if isinstance(hashes, dict) else {}


def _write(cache: Path, hashes: dict[str, str]) -> None:
    try:
        cache.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=cache.parent, delete=False, encoding="utf-8") as file:
            json.dump(hashes, file)
        os.replace(file.name, cache)
    except OSError:  # a read-only home costs time, not correctness
        return
