"""Data as scripts: a page that was opened from disk may load a script beside it, but may not read a file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class File:
    """A file of the site as it is."""

    path: str
    text: str


def script(path: str, value: Any) -> File:
    """A value under the name of its file, for `suite.load(path)` in `static/suite.js`.

    Only ASCII is written and no `<`, so that nothing in a stored text ends a script or breaks a line of one.
    """
    return File(path, f"suite.put({_literal(path)},{_literal(value)});\n")


def _literal(value: Any) -> str:
    return json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
