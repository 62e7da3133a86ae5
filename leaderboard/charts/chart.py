"""Charts as data, which `static/charts.js` draws and which the tables beside them repeat."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from suite.stats import Estimate

LETTERS = 120
"""The most characters of a name in a chart; the page shows longer names in full."""


@dataclass(frozen=True)
class Chart:
    """A description of a chart: small, made of numbers and texts, and deterministic."""

    kind: Literal["scatter", "ranks", "lines"]
    label: str
    """The content of the chart in words."""
    x: str
    """The label of the horizontal axis."""
    y: str
    """The label of the vertical axis; empty if a heading or the rows name it."""
    values: dict[str, Any]
    """The data; its shape depends on `kind`."""

    @property
    def described(self) -> dict[str, Any]:
        """The description as the page holds it."""
        return {"kind": self.kind, "label": self.label, "x": self.x, "y": self.y, **self.values}


def rounded(value: float | None) -> float | None:
    """A number with six digits, for drawing; None if it is missing or not finite."""
    return float(f"{value:.6g}") if value is not None and math.isfinite(value) else None


def ends(value: Estimate) -> list[float | None]:
    """A value and the ends of its interval; the value alone without an interval."""
    if value.low is None or value.high is None or not (math.isfinite(value.low) and math.isfinite(value.high)):
        return [rounded(value.value)]
    return [rounded(value.value), rounded(value.low), rounded(value.high)]


def shortened(name: str) -> str:
    """A name of at most LETTERS characters."""
    return name if len(name) <= LETTERS else name[: LETTERS - 1] + "…"


def listed(names: Sequence[str]) -> str:
    """Names, separated by commas."""
    return ", ".join(shortened(name) for name in names)
