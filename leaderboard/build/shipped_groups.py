"""Groups of files about shipped experiments alone, in the user's cache: the sites of all folders of runs have them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from suite.core.user_cache import cached, keep

KIND: Final = "pages"
"""The kind of cached values: a group's line in a site's list, and the contents of its files."""


def shipped_group(name: str, inputs: str) -> tuple[Mapping[str, Any], Mapping[str, bytes]] | None:
    """A group as a site's list has it, and its files (path -> content); None if the cache has none of this name."""
    value = cached(KIND, _key(name, inputs))
    if value is None:
        return None
    head, _, body = value.partition(b"\n")
    group, start = json.loads(head), 0
    files: dict[str, bytes] = {}
    for path, size in group["files"].items():
        files[path] = body[start : start + size]
        start += size
    return group, files


def keep_group(name: str, inputs: str, group: Mapping[str, Any], folder: Path) -> None:
    """Cache a group whose files are in this folder."""
    contents = [(folder / path).read_bytes() for path in group["files"]]
    keep(KIND, _key(name, inputs), b"\n".join([json.dumps(group).encode(), b"".join(contents)]))


def _key(name: str, inputs: str) -> str:
    return sha256(f"{inputs}\n{name}".encode("utf-8", "replace")).hexdigest()[:32]
