"""Which points are beaten by no other: the Pareto front of a chart."""

from __future__ import annotations

import math
from collections.abc import Sequence


def front(points: Sequence[tuple[float, float]]) -> tuple[int, ...]:
    """Places of the points that no other reaches in both directions and beats in one; from left to right."""
    best, found = -math.inf, []
    for place in sorted(range(len(points)), key=lambda place: (-points[place][0], -points[place][1], place)):
        if points[place][1] > best:
            best = points[place][1]
            found.append(place)
    return tuple(reversed(found))
