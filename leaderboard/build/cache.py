"""What an older site has already: pages and chunks whose experiments did not change are neither read nor written."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from importlib import resources
from importlib.metadata import version
from pathlib import Path
from typing import Any

from leaderboard.data.recording_reader import RecordingReader
from suite.core.hashing import fingerprint

LIST = ".suite-cache.json"
"""Which files of a site were made of what."""
SHAPING = ("jinja2", "markupsafe", "numpy", "py3langid", "pyyaml", "scipy", "sacrebleu", "sqlalchemy")
"""What else a page's bytes may depend on."""


@dataclass(frozen=True)
class Unchanged:
    """Files that are as they were."""

    paths: tuple[str, ...]


@dataclass(frozen=True)
class Written:
    """The end of a group of files: all of them, and what else must be known of them."""

    paths: tuple[str, ...]
    extra: Any = None


@dataclass(frozen=True)
class CacheEntry:
    """A group of files with what they were made of."""

    name: str
    inputs: str
    """A key of what was handed to whoever made them."""
    reads: Mapping[str, Collection[str]]
    """Experiment -> the parts of it that were read meanwhile."""
    key: str | None
    """The inputs and what was read, as it was; None if that cannot be told."""
    paths: tuple[str, ...]
    extra: Any = None

    @classmethod
    def of(
        cls, reader: RecordingReader, name: str, inputs: str, reads: Mapping[str, Collection[str]], written: Written
    ) -> CacheEntry:
        """The entry of files that were made of what is stored now."""
        return cls(name, inputs, reads, _key(reader, inputs, reads), written.paths, written.extra)

    def plain(self, sizes: Mapping[str, int]) -> dict[str, Any]:
        """As it is kept in the list, with the sizes of files."""
        reads = {name: sorted(parts) for name, parts in sorted(self.reads.items())}
        return {
            "key": self.key,
            "reads": reads,
            "files": {path: sizes[path] for path in self.paths},
            "extra": self.extra,
        }


@dataclass(frozen=True)
class PageCache:
    """What an older site has."""

    site: Path
    groups: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @classmethod
    def read(cls, site: Path) -> PageCache:
        """Nothing, where there is no older site or its list cannot be read."""
        try:
            groups = json.loads((site / LIST).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return cls(site)
        return cls(site, groups if isinstance(groups, dict) else {})

    def of(self, reader: RecordingReader, name: str, inputs: str) -> CacheEntry | None:
        """A group's files, if it would be made of the same, and they are all there, as long as they were.

        The same: it is handed the same, and what it read when it was made is still what is stored.
        """
        group = self.groups.get(name)
        if not isinstance(group, dict) or not isinstance(group.get("reads"), dict):
            return None
        key = _key(reader, inputs, group["reads"])
        if key is None or key != group["key"]:
            return None
        if not all(_size(self.site / path) == size for path, size in group["files"].items()):
            return None
        return CacheEntry(name, inputs, group["reads"], key, tuple(group["files"]), group["extra"])


def _size(file: Path) -> int:
    try:
        return os.stat(file).st_size
    except OSError:
        return -1


def _key(reader: RecordingReader, inputs: str, reads: Mapping[str, Collection[str]]) -> str | None:
    versions = reader.versions_of(reads)
    return None if versions is None else sha256(repr((inputs, versions)).encode()).hexdigest()[:32]


def cache_key(*parts: object) -> str:
    """A key for what whoever makes files is handed, this code included."""
    return sha256("\n".join([code_fingerprint(), *map(repr, parts)]).encode("utf-8", "replace")).hexdigest()[:32]


@lru_cache(maxsize=1)
def code_fingerprint() -> str:
    """A fingerprint of all code and templates that make pages."""
    parts = [sys.version, *(f"{name} {version(name)}" for name in SHAPING)]
    for package in ("leaderboard", "suite"):
        parts += _sources(resources.files(package), package)
    return fingerprint(parts)


def _sources(folder: Any, name: str) -> Sequence[str]:
    lines: list[str] = []
    for item in sorted(folder.iterdir(), key=lambda item: item.name):
        if item.is_dir() and item.name not in ("__pycache__", "records", "static"):
            lines += _sources(item, f"{name}/{item.name}")
        elif item.name.endswith((".py", ".j2")):
            lines.append(f"{name}/{item.name} {sha256(item.read_bytes()).hexdigest()}")
    return lines
