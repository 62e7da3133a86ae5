"""Tables shaded by value, for matrices of numbers."""

from __future__ import annotations

from dataclasses import dataclass

LEVELS = 10
"""Number of shades of a cell."""


@dataclass(frozen=True)
class HeatCell:
    """A value and its shade."""

    text: str
    level: int = 0
    """Shade, 0 to `LEVELS`."""
    title: str = ""


@dataclass(frozen=True)
class HeatMap:
    """A shaded table."""

    id: str
    title: str
    description: str
    corner: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[HeatCell, ...]], ...]
