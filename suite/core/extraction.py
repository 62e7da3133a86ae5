"""Answers within a longer text: its last number, and a field of its first JSON object."""

from __future__ import annotations

import json
import re
from json import JSONDecoder
from typing import Any, Final

_LAST_NUMBER: Final = re.compile(
    r"(?:(?<![\w.,)])[+\-\u2212](?=[$€£¥.\d]))?"  # a sign, but not that of a range or a difference
    r"(?:(?<![\w$€£¥])[$€£¥]\s?)?"
    r"(?<![\w.,])(?:\d+(?:[.,'’]\d+)*|\.\d+)(?:/\d+)?"
    r"(?:\s?[%€£¥])?"
)
_DECODER: Final = JSONDecoder()
MOST_OBJECTS: Final = 200
"""Maximum number of opening braces that are tried in one text."""


def last_number(text: str) -> str | None:
    """The last number in a text, as it is written: with sign, separators, currency or per cent. None without one."""
    found = None
    for found in _LAST_NUMBER.finditer(text):  # noqa: B007  (the last one counts)
        pass
    return None if found is None else found[0].strip()


def json_field(text: str, field: str) -> str | None:
    """A field of the first JSON object in a text that has it, as text; dots lead into objects (`result.label`).

    Texts are returned as they are, other values as JSON. None if no object has the field, or if it is null.
    """
    start = text.find("{")
    for _ in range(MOST_OBJECTS):
        if start < 0:
            return None
        try:
            value, end = _DECODER.raw_decode(text, start)
        except (ValueError, RecursionError):
            start = text.find("{", start + 1)
            continue
        found = _within(value, field)
        if found is not None:
            return found if isinstance(found, str) else json.dumps(found, ensure_ascii=False)
        start = text.find("{", end)
    return None


def _within(value: Any, field: str) -> Any:
    """A field of an object; None if it has none of that name."""
    if not isinstance(value, dict):
        return None
    if field in value:
        return value[field]
    first, _, rest = field.partition(".")
    return _within(value.get(first), rest) if rest else None
