"""The steps that can run now: one worker takes them in the plan's order, several take the longest path first."""

from __future__ import annotations

import heapq
from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Final

from suite.planning import Evaluate, Step
from suite.planning.makespan import TimedStep, longest_paths

NEAR: Final = 0.5
"""A worker goes on with the stack or the base model that it has if the path of such a step is at least this share of
the longest."""
TOKENS_PER_SECOND: Final = 1e6
"""Compares steps whose seconds are not estimated, as the model's size is not known."""


def path_lengths(steps: Sequence[Step]) -> Mapping[str, float]:
    """Step -> estimated seconds of the longest chain of steps that begins with it."""
    return longest_paths(
        [TimedStep(step.id, step.estimate.seconds or step.estimate.tokens / TOKENS_PER_SECOND, step.parents)
         for step in steps]
    )  # fmt: skip


class ReadySteps:
    """Steps that can run, in the order in which they should."""

    def __init__(self, steps: Sequence[Step], paths: Mapping[str, float] | None) -> None:
        """`paths` are the steps' `path_lengths`; without them, the plan's order holds."""
        self._order = {step.id: number for number, step in enumerate(steps)}
        self._paths = paths
        self._steps: dict[str, Step] = {}
        self._heaps: dict[Hashable, list[tuple[float, int, str]]] = {}

    def __len__(self) -> int:
        return len(self._steps)

    def add(self, step: Step) -> None:
        """Add a step."""
        if step.id in self._steps:
            return
        self._steps[step.id] = step
        rank = 0.0 if self._paths is None else -self._paths[step.id]
        for group in self._groups(step):
            heapq.heappush(self._heaps.setdefault(group, []), (rank, self._order[step.id], step.id))

    def take(self, previous: Step | None = None) -> Step | None:
        """Remove and return the next step for a worker whose last step was `previous`; None if there is none."""
        longest = self._first(None)
        if longest is None:
            return None
        chosen = longest
        for group in () if previous is None else self._groups(previous):
            first = self._first(group)
            if first is not None and first[0] <= NEAR * longest[0]:  # ranks are negative
                chosen = first
                break
        return self._steps.pop(chosen[2])

    def _groups(self, step: Step) -> Iterator[Hashable]:
        """Yield what a step's worker need not load again for another step of the group, the most first; at last the
        group of all steps."""
        if self._paths is not None:
            work = step.work
            if isinstance(work, Evaluate) and work.routes is None:
                yield work.track.model, work.stack
            yield work.track.model
        yield None

    def _first(self, group: Hashable) -> tuple[float, int, str] | None:
        """The group's first step that was not taken through another group."""
        heap = self._heaps.get(group, [])
        while heap and heap[0][2] not in self._steps:
            heapq.heappop(heap)
        return heap[0] if heap else None
