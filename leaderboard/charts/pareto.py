"""The Pareto front of a chart: the points that no other point beats."""

from __future__ import annotations

import math
from collections.abc import Sequence


def pareto_front(points: Sequence[tuple[float, float]]) -> tuple[int, ...]:
    """Indices of the points on the front, from left to right.

    No other point is at least as good in both coordinates and better in one.
    """
    best, front = -math.inf, []
    for index in sorted(range(len(points)), key=lambda index: (-points[index][0], -points[index][1], index)):
        if points[index][1] > best:
            best = points[index][1]
            front.append(index)
    return tuple(reversed(front))
