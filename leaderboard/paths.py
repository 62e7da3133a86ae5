"""File names for things whose names may be anything: no separators, no traversal, no two alike."""

from __future__ import annotations

import re
from collections.abc import Iterable

from suite.hashing import fingerprint

LONGEST = 80


def slug(name: str) -> str:
    """A safe file name; one that had to be changed gets a hash of the whole name, so that two never meet."""
    safe = re.sub(r"[^A-Za-z0-9_.+-]+", "-", name).strip(".-")[:LONGEST].rstrip(".-")
    return safe if safe and safe == name else f"{safe or 'x'}-{fingerprint(name.encode('utf-8', 'replace').hex(), 8)}"


def slugs(names: Iterable[str]) -> dict[str, str]:
    """Name -> slug, no two alike even where a file system does not tell A from a."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for name in dict.fromkeys(names):
        own = slug(name)
        if own.casefold() in taken:
            own = f"{own}-{fingerprint(name.encode('utf-8', 'replace').hex(), 12)}"
        taken.add(own.casefold())
        found[name] = own
    return found
