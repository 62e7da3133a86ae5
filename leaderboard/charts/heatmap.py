"""Tables shaded by value: what a page draws of a matrix of numbers."""

from __future__ import annotations

from dataclasses import dataclass

LEVELS = 10
"""Shades of a cell."""


@dataclass(frozen=True)
class HeatCell:
    """A value, and how dark it stands."""

    text: str
    level: int = 0
    """0 to `LEVELS`."""
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
