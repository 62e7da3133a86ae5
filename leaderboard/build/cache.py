"""What an older site has already: pages and chunks whose experiments did not change are neither read nor written."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from importlib import resources
from importlib.metadata import version
from pathlib import Path
from typing import Any

from suite.core.hashing import fingerprint

LIST = ".suite-kept.json"
"""Which files of a site were made of what."""
SHAPING = ("jinja2", "markupsafe", "numpy", "py3langid", "pyyaml", "scipy", "sacrebleu", "sqlalchemy")
"""What else a page's bytes may depend on."""


@dataclass(frozen=True)
class Unchanged:
    """Files that are as they were."""

    paths: tuple[str, ...]


@dataclass(frozen=True)
class CacheEntry:
    """The end of a group of files: what they were made of, and what else must be known of them."""

    name: str
    key: str
    paths: tuple[str, ...]
    extra: Any = None


@dataclass(frozen=True)
class PageCache:
    """What an older site has."""

    site: Path
    groups: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @classmethod
    def read(cls, site: Path) -> PageCache:
        """Nothing, where there is no older site or its list cannot be read."""
        try:
            found = json.loads((site / LIST).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return cls(site)
        return cls(site, found if isinstance(found, dict) else {})

    def of(self, name: str, key: str) -> Unchanged | None:
        """A group's files, if they were made of the same and are all there, as long as they were."""
        group = self.groups.get(name)
        if not isinstance(group, dict) or group.get("key") != key:
            return None
        if not all(_size(self.site / path) == size for path, size in group["files"].items()):
            return None
        return Unchanged(tuple(group["files"]))

    def extra(self, name: str) -> Any:
        """What else is known of a group."""
        return self.groups[name]["extra"]


def _size(file: Path) -> int:
    try:
        return os.stat(file).st_size
    except OSError:
        return -1


def cache_key(*parts: object) -> str:
    """A key for what files are made of, this code included."""
    return sha256("\n".join([code_fingerprint(), *map(repr, parts)]).encode("utf-8", "replace")).hexdigest()[:32]


@lru_cache(maxsize=1)
def code_fingerprint() -> str:
    """A fingerprint of all code and templates that make pages."""
    found = [sys.version, *(f"{name} {version(name)}" for name in SHAPING)]
    for package in ("leaderboard", "suite"):
        found += _sources(resources.files(package), package)
    return fingerprint(found)


def _sources(folder: Any, name: str) -> Sequence[str]:
    found: list[str] = []
    for item in sorted(folder.iterdir(), key=lambda item: item.name):
        if item.is_dir() and item.name not in ("__pycache__", "records", "static"):
            found += _sources(item, f"{name}/{item.name}")
        elif item.name.endswith((".py", ".j2")):
            found.append(f"{name}/{item.name} {sha256(item.read_bytes()).hexdigest()}")
    return found
