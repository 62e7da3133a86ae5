"""Which points are beaten by no other: the Pareto front of a chart."""

from __future__ import annotations

import math
from collections.abc import Sequence


def pareto_front(points: Sequence[tuple[float, float]]) -> tuple[int, ...]:
    """Places of the points that no other reaches in both directions and beats in one; from left to right."""
    best, front = -math.inf, []
    for index in sorted(range(len(points)), key=lambda index: (-points[index][0], -points[index][1], index)):
        if points[index][1] > best:
            best = points[index][1]
            front.append(index)
    return tuple(reversed(front))
