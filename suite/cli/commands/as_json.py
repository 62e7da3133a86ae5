"""Convert results to JSON."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from collections.abc import Mapping
from typing import Any

from suite.core import console

_STEERING = re.compile(f"(?!\n){console.STEERING.pattern}")
"""Control characters except line ends, which are the only ones that occur outside of JSON texts."""


def plain(value: Any) -> Any:
    """Dataclasses as plain data for JSON; numbers that are not finite become null."""
    if dataclasses.is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def as_text(value: Any) -> str:
    """Readable JSON; in ASCII if standard output is not Unicode."""
    text = json.dumps(value, indent=1, ensure_ascii=not console.is_unicode(), allow_nan=False)
    return _STEERING.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
