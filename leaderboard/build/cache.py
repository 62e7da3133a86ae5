"""The cache of an older site: pages and chunks whose experiments did not change are neither read nor written again."""

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
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from leaderboard.build.shipped_groups import shipped_group
from leaderboard.data.recording_reader import RecordingReader
from suite.core.hashing import fingerprint

LIST = ".suite-cache.json"
"""The file that lists a site's groups of files with the reads that they were made from."""
SHAPING = ("jinja2", "markupsafe", "numpy", "py3langid", "pyyaml", "scipy", "sacrebleu", "sqlalchemy")
"""Packages whose versions can change a page's bytes."""
SPLITTING = ("MeCab", "mecab_ko", "sentencepiece")
"""Modules by which BLEU splits some languages into words: scores have intervals only if they are installed."""


@dataclass(frozen=True)
class Unchanged:
    """Files that did not change."""

    paths: tuple[str, ...]


@dataclass(frozen=True)
class Written:
    """The end of a group of files: their paths, and other data that the cache keeps about them."""

    paths: tuple[str, ...]
    extra: Any = None


@dataclass(frozen=True)
class CacheEntry:
    """A group of files with the reads that they were made from."""

    name: str
    inputs: str
    """A key of the arguments of the code that made them."""
    reads: Mapping[str, Collection[str]]
    """Experiment -> its parts that were read while the files were made."""
    key: str | None
    """A key of the inputs and of the versions that were read; None if one of these has no version."""
    paths: tuple[str, ...]
    extra: Any = None
    experiments: frozenset[str] = frozenset()
    """The experiments that files made now are about; empty for files that a cache had."""

    @classmethod
    def of(
        cls, reader: RecordingReader, name: str, inputs: str, reads: Mapping[str, Collection[str]], written: Written
    ) -> CacheEntry:
        """The entry of files that were made from the store's current contents."""
        key, about = _key(reader, inputs, reads), reader.experiments_in(reads)
        return cls(name, inputs, reads, key, written.paths, written.extra, about)

    def plain(self, sizes: Mapping[str, int]) -> dict[str, Any]:
        """The entry as the list stores it, with the sizes of its files."""
        reads = {name: sorted(parts) for name, parts in sorted(self.reads.items())}
        return {
            "key": self.key,
            "reads": reads,
            "files": {path: sizes[path] for path in self.paths},
            "extra": self.extra,
        }


@dataclass(frozen=True)
class PageCache:
    """The groups of files that an older site has, and those about shipped experiments that other sites have."""

    site: Path
    groups: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    """Path -> content, of the groups that are taken from other sites."""

    @classmethod
    def read(cls, site: Path) -> PageCache:
        """The cache of a site; empty if there is no older site or its list cannot be read."""
        try:
            groups = json.loads((site / LIST).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return cls(site)
        return cls(site, groups if isinstance(groups, dict) else {})

    def of(self, reader: RecordingReader, name: str, inputs: str) -> CacheEntry | None:
        """A group's entry, if its files are up to date; otherwise None.

        They are up to date if the inputs and the versions of everything read are unchanged, and if all files exist with
        their sizes, or are those of another site.
        """
        entry = _entry(reader, name, inputs, self.groups.get(name))
        if entry and all(_size(self.site / path) == size for path, size in self.groups[name]["files"].items()):
            return entry
        group, files = shipped_group(name, inputs) or (None, {})
        entry = _entry(reader, name, inputs, group)
        if entry is not None:
            self.files.update(files)
        return entry


def _entry(reader: RecordingReader, name: str, inputs: str, group: Any) -> CacheEntry | None:
    """The entry of a group in a list, if the versions of everything that was read are unchanged."""
    if not isinstance(group, dict) or not isinstance(group.get("reads"), dict):
        return None
    key = _key(reader, inputs, group["reads"])
    if key is None or key != group["key"]:
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
    """A key of the inputs of code that makes files, including the code itself."""
    return sha256("\n".join([code_fingerprint(), *map(repr, parts)]).encode("utf-8", "replace")).hexdigest()[:32]


@lru_cache(maxsize=1)
def code_fingerprint() -> str:
    """A fingerprint of all code and templates that pages are made with."""
    parts = [sys.version, *(f"{name} {version(name)}" for name in SHAPING), *filter(find_spec, SPLITTING)]
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
