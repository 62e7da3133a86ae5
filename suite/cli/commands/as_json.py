"""Results as JSON."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from collections.abc import Mapping
from typing import Any

from suite.core import console

_STEERING = re.compile(f"(?!\n){console.STEERING.pattern}")
"""In JSON nothing but ends of lines stands outside of texts."""


def plain(value: Any) -> Any:
    """Dataclasses as JSON has them; what is no finite number is null."""
    if dataclasses.is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def as_text(value: Any) -> str:
    """JSON for a machine, readable by a person: in ASCII where standard output has few letters."""
    text = json.dumps(value, indent=1, ensure_ascii=not console.is_unicode(), allow_nan=False)
    return _STEERING.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
