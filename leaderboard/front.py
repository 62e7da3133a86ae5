"""Which points are beaten by no other: the Pareto front of a chart, and how large a cost makes a point."""

from __future__ import annotations

import math
from collections.abc import Sequence

SMALLEST, LARGEST = 4.5, 13.0


def front(points: Sequence[tuple[float, float]]) -> tuple[int, ...]:
    """Places of the points that no other reaches in both directions and beats in one; from left to right."""
    best, found = -math.inf, []
    for place in sorted(range(len(points)), key=lambda place: (-points[place][0], -points[place][1], place)):
        if points[place][1] > best:
            best = points[place][1]
            found.append(place)
    return tuple(reversed(found))


def radius(cost: float | None, most: float) -> float:
    """A point's radius: its area grows with the cost; the smallest one stands for nothing and for what is unknown."""
    if cost is None or most <= 0:
        return SMALLEST
    return math.sqrt(SMALLEST**2 + (LARGEST**2 - SMALLEST**2) * min(cost / most, 1.0))
