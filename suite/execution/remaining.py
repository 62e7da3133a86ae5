"""The time that a plan still takes: the estimates of its steps, scaled by how long steps of their kind took so far."""

from __future__ import annotations

import math
from collections.abc import Iterable
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


@dataclass
class Remaining:
    """The steps that are to be done, by id, and how long the others took."""

    steps: dict[str, EstimatedStep] = field(default_factory=dict)
    _by_kind: dict[str, _Measured] = field(default_factory=dict)
    _current: str | None = None
    _since: float = 0.0

    @property
    def estimated(self) -> bool:
        """Whether there is an estimate of the current step."""
        current = self.steps.get(self._current or "")
        return current is not None and current.seconds > 0

    def begin(self, step: str) -> None:
        """Let this step be the current one."""
        self._current, self._since = step, 0.0

    def remove(self, step: str) -> None:
        """A step needs no more work."""
        self.steps.pop(step, None)
        self._current = None if step == self._current else self._current

    def finished(self, step: str, seconds: float) -> None:
        """Count the seconds of a finished step for those of its kind. What an earlier run did of it is left out."""
        known = self.steps.get(step)
        if known is not None and known.seconds:
            share = 1.0 - (self._since if step == self._current else 0.0)
            measured = self._by_kind.setdefault(known.kind, _Measured())
            measured.seconds += seconds
            measured.estimated += share * known.seconds

    def left(self, share: float, seconds: float, since: float = 0.0) -> float:
        """Seconds until all steps are done, if the current step took `seconds` from its share `since` to `share`.

        Shares are from 0 to 1. A step that is resumed, or whose beginning is unlike the rest, has a later `since`.
        """
        self._since = since
        current = self.steps.get(self._current or "")
        after = [each for name, each in self.steps.items() if name != self._current]
        if current is None or not current.seconds:  # its pace is all that is known
            return seconds / max(share - since, 1e-9) * (1.0 - share) + self._seconds(after, None)
        own = _Measured(seconds, current.seconds * (share - since))
        weight = PRIOR_SHARE * current.seconds
        ratio = (own.seconds + weight * self._ratio(current.kind, None)) / (own.estimated + weight)
        return ratio * current.seconds * (1.0 - share) + self._seconds(after, (current.kind, own))

    def _seconds(self, steps: Iterable[EstimatedStep], own: tuple[str, _Measured] | None) -> float:
        return sum(each.seconds * self._ratio(each.kind, own) for each in steps)

    def _ratio(self, kind: str, own: tuple[str, _Measured] | None) -> float:
        """That of a kind of step; where little of it was measured, one that leans to all kinds'. `own` is the current
        step's."""
        found = [*self._by_kind.items(), *([own] if own else [])]

        def pooled(chosen: Iterable[_Measured]) -> _Measured:
            measured = list(chosen)
            return _Measured(sum(each.seconds for each in measured), sum(each.estimated for each in measured))

        # half of it, as a factor: a slow machine slows all kinds, but each kind is also wrong in its own way
        overall = math.sqrt(pooled(each for _, each in found).ratio(1.0))
        return pooled(each for name, each in found if name == kind).ratio(overall)
