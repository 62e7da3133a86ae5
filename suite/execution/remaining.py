"""The time that a plan still takes: the estimates of its steps, scaled by how long steps of their kind took so far."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
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
    """The steps that are to be done, by id, and how long the others took."""

    steps: dict[str, EstimatedStep] = field(default_factory=dict)
    workers: int = 1
    """How many steps run at a time."""
    paths: Mapping[str, float] = field(default_factory=dict)
    """Step -> estimated seconds of the longest chain of steps that begins with it, where several run at a time."""
    _by_kind: dict[str, _Measured] = field(default_factory=dict)
    _current: dict[str, _Current] = field(default_factory=dict)

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
        self.steps.pop(step, None)
        self.stop(step)

    def finished(self, step: str, seconds: float) -> None:
        """Count the seconds of a finished step for those of its kind. What an earlier run did of it is left out."""
        known = self.steps.get(step)
        if known is not None and known.seconds:
            share = 1.0 - self._current.get(step, _Current()).since
            measured = self._by_kind.setdefault(known.kind, _Measured())
            measured.seconds += seconds
            measured.estimated += share * known.seconds

    def left(self, step: str, share: float, seconds: float, since: float = 0.0) -> float:
        """Seconds until all steps are done, if a running step took `seconds` from its share `since` to `share`.

        Shares are from 0 to 1. A step that is resumed, or whose beginning is unlike the rest, has a later `since`.
        """
        self._current[step] = _Current(since, share, seconds)
        own = [self._own(each) for each in self._current]
        running = [self._left_of(each) for each in self._current]
        after = [(name, each) for name, each in self.steps.items() if name not in self._current]
        in_turn = sum(running) + sum(each.seconds * self._ratio(each.kind, own) for _, each in after)
        if self.workers == 1:
            return in_turn
        paths = [left + self._path(each, own) for each, left in zip(self._current, running, strict=True)]
        paths += [self._path(name, own) + each.seconds * self._ratio(each.kind, own) for name, each in after]
        return max(in_turn / self.workers, *paths)

    def _path(self, step: str, own: Iterable[tuple[str, _Measured]]) -> float:
        """Seconds of the longest chain of steps after a step."""
        overall = self._ratio("", own)
        known = self.steps.get(step)
        return max(self.paths.get(step, 0.0) - (known.seconds if known else 0.0), 0.0) * overall

    def _own(self, step: str) -> tuple[str, _Measured]:
        """(kind, what was measured) of a running step."""
        known, current = self.steps.get(step), self._current[step]
        if known is None or not known.seconds:
            return "", _Measured()
        return known.kind, _Measured(current.seconds, known.seconds * (current.share - current.since))

    def _left_of(self, step: str) -> float:
        """Seconds that a running step still takes."""
        known, current = self.steps.get(step), self._current[step]
        if known is None or not known.seconds:  # its pace is all that is known
            return current.seconds / max(current.share - current.since, 1e-9) * (1.0 - current.share)
        _, own = self._own(step)
        weight = PRIOR_SHARE * known.seconds
        ratio = (own.seconds + weight * self._ratio(known.kind, ())) / (own.estimated + weight)
        return ratio * known.seconds * (1.0 - current.share)

    def _ratio(self, kind: str, own: Iterable[tuple[str, _Measured]]) -> float:
        """That of a kind of step; where little of it was measured, one that leans to all kinds'. `own` are the running
        steps'."""
        found = [*self._by_kind.items(), *own]

        def pooled(chosen: Iterable[_Measured]) -> _Measured:
            measured = list(chosen)
            return _Measured(sum(each.seconds for each in measured), sum(each.estimated for each in measured))

        # half of it, as a factor: a slow machine slows all kinds, but each kind is also wrong in its own way
        overall = math.sqrt(pooled(each for _, each in found).ratio(1.0))
        return pooled(each for name, each in found if name == kind).ratio(overall)
