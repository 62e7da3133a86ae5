"""Content hashes: equal content has the same name on every machine and in every process."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from suite.core.board_terms import BOARD_TERMS
from suite.core.regular import open_regular


def canonical(value: Any) -> str:
    """JSON with sorted keys and no extra spaces. NaN is rejected, so equal values have equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def fingerprint(value: Any, length: int = 16) -> str:
    """The first `length` hex digits of the SHA-256 of a JSON-able value's canonical text."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()[:length]


def file_hash(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hex."""
    with open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest() if hasattr(hashlib, "file_digest") else _digest(file)


def _digest(file: Any) -> str:  # Python 3.10 has no hashlib.file_digest
    digest = hashlib.sha256()
    while chunk := file.read(1 << 20):
        digest.update(chunk)
    return digest.hexdigest()


def seed_of(*parts: object) -> int:
    """A 63-bit seed that depends on every part, so that different uses of randomness do not share a stream."""
    text = "/".join(str(part) for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def experiment_id(resolved: Mapping[str, Any]) -> str:
    """Hash of a resolved experiment: of all its settings, without texts for readers.

    Entries of roles that only pages need (for the format ratio and the lenient score) are left out, because they do not
    change what is run.
    """
    settings = {key: value for key, value in resolved.items() if key not in ("source", "about")}
    track = {key: value for key, value in resolved["track"].items() if key not in BOARD_TERMS}
    roles = {
        role: {key: value for key, value in about.items() if key not in ("language", "output_type", "lenient")}
        for role, about in resolved["roles"].items()
    }
    return fingerprint({**settings, "track": track, "roles": roles})


def variant_id(resolved: Mapping[str, Any]) -> str:
    """Hash that all seeds of an experiment share."""
    return experiment_id({key: value for key, value in resolved.items() if key != "seed"})
