"""Charts as data: what `static/charts.js` draws from a page, and what the tables beside them say."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from suite.stats import Estimate

LETTERS = 120
"""A longer name is cut in a chart; the page beside it has all of it."""


@dataclass(frozen=True)
class Chart:
    """A description: small, of plain numbers and texts, and the same for the same store."""

    kind: Literal["scatter", "ranks", "lines"]
    label: str
    """What is seen, in words."""
    x: str
    """The name of the axis to the right."""
    y: str
    """The name of the axis upwards; empty where a heading or the rows have it."""
    values: dict[str, Any]
    """What is drawn, as its kind has it."""

    @property
    def described(self) -> dict[str, Any]:
        """What the page holds."""
        return {"kind": self.kind, "label": self.label, "x": self.x, "y": self.y, **self.values}


def rounded(value: float | None) -> float | None:
    """A number for drawing: six digits, and none for what cannot be drawn."""
    return float(f"{value:.6g}") if value is not None and math.isfinite(value) else None


def ends(value: Estimate) -> list[float | None]:
    """A score and the ends of its interval, where it has one; scores do not leave 0 to 100."""
    if value.low is None or value.high is None or not (math.isfinite(value.low) and math.isfinite(value.high)):
        return [rounded(value.value)]
    return [rounded(value.value), rounded(max(0.0, value.low)), rounded(min(100.0, value.high))]


def shortened(name: str) -> str:
    """A name that does not fill a page."""
    return name if len(name) <= LETTERS else name[: LETTERS - 1] + "…"


def listed(names: Sequence[str]) -> str:
    """Names in a sentence."""
    return ", ".join(shortened(name) for name in names)
