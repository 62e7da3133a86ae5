"""The format of numbers on the pages."""

from __future__ import annotations

import math

from suite.stats import Estimate

MISSING = "–"


def score(value: float, *, signed: bool = False) -> str:
    """One decimal, with a true minus sign and no minus zero."""
    if not math.isfinite(value):
        return "not finite"
    text = f"{abs(value):.1f}"
    sign = "" if float(text) == 0 else "−" if value < 0 else "+" if signed else ""
    return sign + text


def margin(value: Estimate, *, signed: bool = False) -> str:
    """The interval: ``±2.1``; ``[97.8, 100.0]`` if it is asymmetric; empty without one."""
    if value.low is None or value.high is None:
        return ""
    if value.half is not None:
        return f"±{value.half:.1f}"
    return f"[{score(value.low, signed=signed)}, {score(value.high, signed=signed)}]"


def plain(value: float | None) -> str:
    """Up to four significant digits."""
    if value is None:
        return MISSING
    return f"{value:.4g}".replace("-", "−") if math.isfinite(value) else "not finite"


def probability(value: float) -> str:
    """A p-value, with three digits below 0.1."""
    if value < 0.001:
        return "p < 0.001"
    return f"p {value:.3f}" if value < 0.1 else f"p {value:.2f}"


def count(value: int) -> str:
    """A count in thousands, millions or billions with three digits; smaller counts in full."""
    for size, unit in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.3g} {unit}" if value < 999.5 * size else f"{value / size:.0f} {unit}"
    return str(value)


def grouped(value: int) -> str:
    """All digits, in groups of three."""
    return f"{value:,}"


def seconds(value: float) -> str:
    """Seconds, minutes or hours."""
    if value < 99.5:
        return f"{value:.2g} s" if value < 9.95 else f"{value:.0f} s"
    return f"{value / 60:.1f} min" if value < 5970 else f"{value / 3600:.1f} h"


def size(value: int) -> str:
    """Bytes in decimal units."""
    for unit, name in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if value >= unit:
            return f"{value / unit:.3g} {name}" if value < 999.5 * unit else f"{value / unit:.0f} {name}"
    return f"{value} B"


def shots(value: int) -> str:
    """A shot count in words."""
    return "1 shot" if value == 1 else f"{value} shots"


def raw(value: float | None) -> str:
    """The exact number for machines; empty if it is missing or not finite."""
    return "" if value is None or not math.isfinite(value) else repr(value)
