"""The non-tensor state of a training loop, stored in checkpoints so that it survives a kill."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from typing import Final, Literal

from suite.core.diagnostics import EarlyStop
from suite.core.hashing import fingerprint
from suite.training.config import FREE, FitConfig

Phase = Literal["sampling", "update", "selection", "probes"]

CURVE_POINTS: Final = 200
"""Approximate number of points of a curve, however long training is."""


@dataclass
class Progress:
    """Progress of a training run, and its cost."""

    step: int = 0
    """Number of steps done."""
    micro_batch: int = 1
    recomputing: bool = False
    """Whether layers compute their activations again, as memory did not suffice."""
    tokens: int = 0
    best_step: int = 0
    best_score: float | None = None
    stopped: bool = False
    sums: dict[str, float] = field(default_factory=dict)
    """Sums of the loss and of the source's measurements over the `count` steps since the curve's last point."""
    count: int = 0
    curve: list[tuple[int, str, float]] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    """Seconds by phase, without work that an interruption lost."""

    @property
    def selections_since_best(self) -> int:
        """Selections after the one with the best score; 0 if the last one is the best."""
        return sum(name == "selection" and step > self.best_step for step, name, _ in self.curve)

    def early_stop(self, steps: int) -> EarlyStop | None:
        """Why training stopped before the last of its `steps`; None if it did not."""
        if not self.stopped or self.step == steps:
            return None
        since = self.selections_since_best
        reason: Literal["score", "patience"] = "patience" if since else "score"
        return EarlyStop(reason=reason, step=self.step, steps=steps, best_step=self.best_step, selections=since)

    @contextmanager
    def timed(self, phase: Phase) -> Iterator[None]:
        """Add the time spent inside to a phase's seconds."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[phase] = self.seconds.get(phase, 0.0) + time.perf_counter() - started

    def note(self, values: dict[str, float], steps: int) -> None:
        """Add a step's values. Their means become points of the curve every few steps and at the last step."""
        for name, value in values.items():
            self.sums[name] = self.sums.get(name, 0.0) + value
        self.count += 1
        if self.step % max(1, steps // CURVE_POINTS) == 0 or self.step == steps:
            self.curve += [(self.step, name, value / self.count) for name, value in self.sums.items()]
            self.sums, self.count = {}, 0


def run_key(budget: FitConfig, shapes: Mapping[str, Sequence[int]], seed: int, source: str, base: str) -> str:
    """A hash of everything that a checkpoint must have in common with a run: of parameters their whole shapes."""
    terms = {name: value for name, value in asdict(budget).items() if name not in FREE}
    return fingerprint([terms, dict(shapes), seed, source, base, [f.name for f in fields(Progress)]])
