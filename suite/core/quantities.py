"""Times, sizes and shares: read from the command line (`8GB`, `1h30m`, `95%`), and written for a person."""

from __future__ import annotations

import re
from typing import Final

from suite.core.errors import SuiteError

_BYTES: Final = {
    "": 1, "b": 1, "k": 10**3, "kb": 10**3, "kib": 2**10, "m": 10**6, "mb": 10**6, "mib": 2**20,
    "g": 10**9, "gb": 10**9, "gib": 2**30, "t": 10**12, "tb": 10**12, "tib": 2**40,
}  # fmt: skip
_SECONDS: Final = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}
_NUMBER: Final = r"(\d+(?:\.\d+)?)"


def byte_count(text: str, where: str) -> int:
    """Bytes: `8GB`, `500 MiB`, `1000000`. Raises SuiteError for anything else."""
    match = re.fullmatch(rf"{_NUMBER}\s*([kmgt]?i?b?)", text.strip().lower())
    if match is None or match[2] not in _BYTES:
        raise SuiteError(f"{text!r} is no size", where=where, fix="write 8GB, or 500MB")
    return round(float(match[1]) * _BYTES[match[2]])


def duration(text: str, where: str) -> float:
    """Seconds: `90s`, `30m`, `1h30m`, `2h`. Raises SuiteError for anything else."""
    parts = re.findall(rf"{_NUMBER}\s*([a-z]+)\s*", text.strip().lower())
    whole = "".join(f"{number}{unit}" for number, unit in parts)
    if not parts or whole != re.sub(r"\s", "", text.lower()) or any(unit not in _SECONDS for _, unit in parts):
        raise SuiteError(f"{text!r} is no duration", where=where, fix="write 90s, 30m, 2h, or 1h30m")
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)


def share(text: str, where: str) -> float:
    """A share from 0 to 1: `95%`, `0.95`. Raises SuiteError for anything else."""
    match = re.fullmatch(rf"{_NUMBER}\s*(%?)", text.strip())
    value = float(match[1]) / (100 if match[2] else 1) if match else -1.0
    if not 0 <= value <= 1:
        raise SuiteError(f"{text!r} is no share", where=where, fix="write 95%, or 0.95")
    return value


def clock(seconds: float) -> str:
    """Seconds as readable text: `8 s`, `2 min 05 s`, `3 h 10 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def size(count: float) -> str:
    """Bytes with a unit."""
    for unit in ("B", "kB", "MB", "GB"):
        if abs(count) < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"
