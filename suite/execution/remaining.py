"""The time that a plan still takes: the estimates of its steps, scaled by how long steps of their kind took so far."""

from __future__ import annotations

import math
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

PRIOR_SECONDS: Final = 5.0
"""Weight of an estimate against what was measured: it counts as much as this many measured seconds."""
PRIOR_SHARE: Final = 0.1
"""Weight of a step's estimate against its own pace, as a share of the step: equal once this share is measured."""


@dataclass(frozen=True)
class EstimatedStep:
    """What a plan expects of a step."""

    kind: str
    """Steps of a kind are off by about the same factor (`suite.planning.speed.sort_of`)."""
    seconds: float
    """Estimated; 0 if it is not known."""


@dataclass
class _Measured:
    """Seconds that steps took, and those that had been estimated."""

    seconds: float = 0.0
    estimated: float = 0.0

    def ratio(self, prior: float) -> float:
        """Measured seconds for each estimated one; without measurements the `prior`."""
        return (self.seconds + PRIOR_SECONDS * prior) / (self.estimated + PRIOR_SECONDS)


@dataclass(frozen=True)
class _Current:
    """How far a running step is: the share from which and to which it took these seconds."""

    since: float = 0.0
    share: float = 0.0
    seconds: float = 0.0


@dataclass
class Remaining:
    """The steps that are to be done, by id, and how long the others took.

    The time left takes seconds that grow with the number of running steps, not with that of all steps.
    """

    steps: dict[str, EstimatedStep] = field(default_factory=dict)
    """Changed by `add` and `remove`."""
    workers: int = 1
    """How many steps run at a time."""
    paths: Mapping[str, float] = field(default_factory=dict)
    """Step -> estimated seconds of the longest chain of steps that begins with it, where several run at a time."""
    _by_kind: dict[str, _Measured] = field(default_factory=dict)
    _current: dict[str, _Current] = field(default_factory=dict)
    _seconds: dict[str, float] = field(default_factory=dict)
    """Kind -> estimated seconds of all its steps, the running ones too."""
    _longest: LongestFirst | None = None

    def __post_init__(self) -> None:
        self.add(dict(self.steps))

    def add(self, steps: Mapping[str, EstimatedStep]) -> None:
        """Add steps that are to be done."""
        self.steps.update(steps)
        self._seconds = {}
        for each in self.steps.values():
            self._seconds[each.kind] = self._seconds.get(each.kind, 0.0) + each.seconds
        self._longest = None

    def estimated(self, step: str) -> bool:
        """Whether there is an estimate of the step."""
        return step in self.steps and self.steps[step].seconds > 0

    def begin(self, step: str) -> None:
        """Count the step among those that run."""
        self._current[step] = _Current()

    def stop(self, step: str) -> None:
        """The step no longer runs, but needs more work."""
        self._current.pop(step, None)

    def remove(self, step: str) -> None:
        """A step needs no more work."""
        if (known := self.steps.pop(step, None)) is not None:
            self._seconds[known.kind] -= known.seconds
        self.stop(step)

    def finished(self, step: str, seconds: float) -> None:
        """Count the seconds of a finished step for those of its kind. What an earlier run did of it is left out."""
        known = self.steps.get(step)
        if known is not None and known.seconds:
            share = 1.0 - self._current.get(step, _Current()).since
            measured = self._by_kind.setdefault(known.kind, _Measured())
            measured.seconds += seconds
            measured.estimated += share * known.seconds

    def report(self, step: str, share: float, seconds: float, since: float = 0.0) -> None:
        """Note that a running step took `seconds` from its share `since` to `share`.

        Shares are from 0 to 1. A step that is resumed, or whose beginning is unlike the rest, has a later `since`.
        """
        self._current[step] = _Current(since, share, seconds)

    def left(self) -> float:
        """Seconds until all steps are done, by what the running ones have reported."""
        before, now = _Ratios(self._by_kind), _Ratios(self._by_kind, [self._own(each) for each in self._current])
        running = {each: self._left_of(each, before) for each in self._current}
        waiting = dict(self._seconds)
        for each in self._current:
            if (known := self.steps.get(each)) is not None:
                waiting[known.kind] -= known.seconds
        after = sum(max(seconds, 0.0) * now.of(kind) for kind, seconds in waiting.items())
        in_turn = sum(running.values()) + after
        if self.workers == 1:
            return in_turn
        paths = [left + self._path(each) * now.overall for each, left in running.items()]
        return max(in_turn / self.workers, self._longest_waiting(now), *paths)

    def _longest_waiting(self, ratios: _Ratios) -> float:
        """Seconds of the longest chain that begins with a step that does not run yet."""
        if self._longest is None or self._longest.paths is not self.paths:
            self._longest = LongestFirst(self.steps, self.paths)
        longest, most = 0.0, max([ratios.overall, *map(ratios.of, self._seconds)])
        for length, name in self._longest.among(self.steps):
            if length * most <= longest:  # so are those after it
                break
            if name not in self._current:
                each = self.steps[name]
                longest = max(longest, self._path(name) * ratios.overall + each.seconds * ratios.of(each.kind))
        return longest

    def _path(self, step: str) -> float:
        """Estimated seconds of the longest chain of steps after a step."""
        known = self.steps.get(step)
        return max(self.paths.get(step, 0.0) - (known.seconds if known else 0.0), 0.0)

    def _own(self, step: str) -> tuple[str, _Measured]:
        """(kind, what was measured) of a running step."""
        known, current = self.steps.get(step), self._current[step]
        if known is None or not known.seconds:
            return "", _Measured()
        return known.kind, _Measured(current.seconds, known.seconds * (current.share - current.since))

    def _left_of(self, step: str, ratios: _Ratios) -> float:
        """Seconds that a running step still takes."""
        known, current = self.steps.get(step), self._current[step]
        if known is None or not known.seconds:  # its pace is all that is known
            return current.seconds / max(current.share - current.since, 1e-9) * (1.0 - current.share)
        _, own = self._own(step)
        weight = PRIOR_SHARE * known.seconds
        ratio = (own.seconds + weight * ratios.of(known.kind)) / (own.estimated + weight)
        return ratio * known.seconds * (1.0 - current.share)


class _Ratios:
    """Measured seconds for each estimated one, by the kind of step. `own` are the running steps'."""

    def __init__(self, by_kind: Mapping[str, _Measured], own: Iterable[tuple[str, _Measured]] = ()) -> None:
        self._by_kind: dict[str, _Measured] = {}
        pooled = _Measured()
        for kind, each in (*by_kind.items(), *own):
            for measured in (self._by_kind.setdefault(kind, _Measured()), pooled):
                measured.seconds += each.seconds
                measured.estimated += each.estimated
        # half of it, as a factor: a slow machine slows all kinds, but each kind is also wrong in its own way
        self.overall = math.sqrt(pooled.ratio(1.0))

    def of(self, kind: str) -> float:
        """That of a kind; where little of it was measured, one that leans to all kinds'."""
        return self._by_kind.get(kind, _Measured()).ratio(self.overall)


class LongestFirst:
    """Steps by their longest path, or their own seconds without one. Those that are done are dropped from the front."""

    def __init__(self, steps: Mapping[str, EstimatedStep], paths: Mapping[str, float]) -> None:
        self.paths = paths
        lengths = ((max(paths.get(name, 0.0), each.seconds), name) for name, each in steps.items())
        self._steps = sorted(lengths, reverse=True)
        self._first = 0

    def among(self, undone: Container[str]) -> Iterator[tuple[float, str]]:
        """Yield (seconds, step) of the steps that are not done."""
        while self._first < len(self._steps) and self._steps[self._first][1] not in undone:
            self._first += 1
        for number in range(self._first, len(self._steps)):
            if self._steps[number][1] in undone:
                yield self._steps[number]
