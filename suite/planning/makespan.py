"""Steps on several devices at once: the longest path that begins with each, and a timetable by longest path first."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class TimedStep:
    """A step with what a timetable needs to know of it."""

    id: str
    seconds: float
    parents: tuple[str, ...] = ()
    devices: int = 1
    """How many devices it takes at once."""


@dataclass(frozen=True)
class TimetableEntry:
    """When a step runs, in seconds from the begin, and on which devices."""

    step: str
    begin: float
    end: float
    devices: tuple[int, ...]


def longest_paths(steps: Sequence[TimedStep]) -> dict[str, float]:
    """Step -> seconds of the longest chain of steps that begins with it. Parents come before their children."""
    after: dict[str, float] = {}
    paths: dict[str, float] = {}
    for step in reversed(steps):
        paths[step.id] = path = step.seconds + after.get(step.id, 0.0)
        for parent in step.parents:
            after[parent] = max(after.get(parent, 0.0), path)
    return paths


def timetable(steps: Sequence[TimedStep], devices: int) -> tuple[TimetableEntry, ...]:
    """When each step runs on so many equal devices, if of the steps that can run the one with the longest path is next.

    Steps come after their parents. Parents that are not among the steps are done. A step that takes several devices
    holds back those after it until they are free; one that takes more than there are gets all.
    """
    paths, order = longest_paths(steps), {step.id: number for number, step in enumerate(steps)}
    waiting = Counter({step.id: sum(parent in order for parent in step.parents) for step in steps})
    children: dict[str, list[int]] = {}
    for number, step in enumerate(steps):
        for parent in step.parents:
            children.setdefault(parent, []).append(number)
    ready = [(-paths[step.id], number) for number, step in enumerate(steps) if not waiting[step.id]]
    heapq.heapify(ready)
    free, running = list(range(devices)), list[tuple[float, int, tuple[int, ...]]]()
    entries: list[TimetableEntry] = []
    now = 0.0
    while ready or running:
        while ready and len(free) >= (width := min(steps[ready[0][1]].devices, devices)):
            number = heapq.heappop(ready)[1]
            chosen = tuple(heapq.heappop(free) for _ in range(width))
            end = now + steps[number].seconds
            heapq.heappush(running, (end, number, chosen))
            entries.append(TimetableEntry(steps[number].id, now, end, chosen))
        now, number, chosen = heapq.heappop(running)
        for device in chosen:
            heapq.heappush(free, device)
        for child in children.get(steps[number].id, ()):
            waiting[steps[child].id] -= 1
            if not waiting[steps[child].id]:
                heapq.heappush(ready, (-paths[steps[child].id], child))
    return tuple(entries)


def makespan(entries: Sequence[TimetableEntry]) -> float:
    """Seconds until the last step of a timetable ends."""
    return max((entry.end for entry in entries), default=0.0)
