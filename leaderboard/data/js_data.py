"""Data as scripts: a page opened from disk may load a script beside it, but may not read a file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class File:
    """A file of the site: its path and its text."""

    path: str
    text: str


def script(path: str, value: Any) -> File:
    """A value under the name of its file, for `suite.load(path)` in `static/suite.js`.

    Escapes non-ASCII characters and `<`, so that no stored text can end the script or break its lines.
    """
    return File(path, f"suite.put({_literal(path)},{_literal(value)});\n")


def _literal(value: Any) -> str:
    return json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
