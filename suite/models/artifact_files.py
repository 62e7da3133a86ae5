"""Check that an artifact's files are what was saved, without loading them into a model. Imports no torch."""

from __future__ import annotations

import hashlib
import json
import mmap
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from suite.core.hashing import canonical

TENSORS, RECORD = "artifact.safetensors", "artifact.json"
TYPES: Final = {
    "F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16", "I64": "int64", "I32": "int32",
    "I16": "int16", "I8": "int8", "U8": "uint8", "BOOL": "bool",
}  # fmt: skip
"""safetensors' dtype names -> torch's, which are part of an artifact's hash."""


def difference(folder: Path, base: str, wanted: str) -> str:
    """Why the files are not the artifact of this hash and base model; empty if they are.

    Tensors of dtypes outside of `TYPES` are checked when they are loaded.
    """
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        actual = _hash(folder / TENSORS, record)
        named = record["hash"], record["base"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return "is damaged"
    return "" if (actual or wanted, *named) == (wanted, wanted, base) else "is not what was saved: its hash differs"


def stored_hash(folder: Path) -> str | None:
    """The hash that an artifact's record has, without looking at its tensors; None if there is none to read."""
    try:
        return str(json.loads((folder / RECORD).read_text(encoding="utf-8"))["hash"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def _hash(tensors: Path, record: Mapping[str, Any]) -> str | None:
    """The same value as an artifact's `hash`; None if a tensor has a dtype outside of `TYPES`.

    Raises ValueError, KeyError or TypeError if the files are damaged.
    """
    digest = hashlib.sha256(f"{record['kind']}\0{canonical(dict(record['settings']))}\n".encode())
    with tensors.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        start = 8 + int.from_bytes(content[:8], "little")
        if start > len(content):
            raise ValueError("the header is cut off")
        header = json.loads(content[8:start].decode())
        header.pop("__metadata__", None)
        if any(each["dtype"] not in TYPES for each in header.values()):
            return None
        for name, each in sorted(header.items()):
            first, end = (start + offset for offset in each["data_offsets"])
            digest.update(f"{name}\0torch.{TYPES[each['dtype']]}\0{tuple(each['shape'])}\n".encode())
            digest.update(content[first:end])
    return digest.hexdigest()
