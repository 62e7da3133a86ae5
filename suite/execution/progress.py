"""Progress of a run: a changing line for each running step on a terminal, a line every few seconds in a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TextIO

from suite.core.quantities import clock
from suite.execution.live_lines import LiveLines
from suite.execution.remaining import Remaining

LOG_EVERY_SECONDS = 10.0
TERMINAL_EVERY_SECONDS = 0.2
PAUSE = 10.0
"""Where it takes long to compute the time left, that is done again after so many times that long."""
QUICK_SECONDS = 0.01
"""What takes less has no pause."""

Verbosity = Literal["quiet", "normal", "verbose"]
"""How much a run prints: nothing before its end; its progress; or also the ids of its steps and libraries' warnings."""


@dataclass
class PlanProgress:
    """Progress of a plan: the running steps, the number of steps, and the time left."""

    steps: int
    """Number of steps to run."""
    out: TextIO = field(default_factory=lambda: sys.stderr)
    verbosity: Verbosity = "normal"
    log: Callable[[str], object] = lambda text: None
    """Receives every line, whatever the verbosity."""
    ids: Mapping[str, str] = field(default_factory=dict)
    """Title -> the ids of the steps with this title."""
    done: int = 0
    remaining: Remaining = field(default_factory=Remaining)
    """The time that the plan still takes."""
    _running: dict[str, StepProgress] = field(default_factory=dict)
    _said: set[str] = field(default_factory=set)
    _left_shown: str = ""
    """The time left that a line had last."""
    _left: float = 0.0
    _next_left: float = 0.0

    def __post_init__(self) -> None:
        self._lines = LiveLines(self.out)

    def of_step(self, step: str) -> StepProgress:
        """The log of a step, by its id."""
        return StepProgress(self, step)

    def say(self, text: str) -> None:
        """Print a line that stays."""
        self._write(f"  {text}\n")
        self.log(text)

    def say_once(self, text: str) -> None:
        """Print a line that stays, unless it was printed before."""
        if text not in self._said:
            self._said.add(text)
            self.say(text)

    def end(self, step: str, title: str, outcome: str, seconds: float) -> None:
        """Show that a step ended, with its outcome (its score, or what went wrong)."""
        self.forget(step)
        self.done += 1
        count, end = f"[{self.done}/{self.steps}]", f"{outcome} · {clock(seconds)}"
        self._write(f"{count} {self.named(title, with_id=self.verbosity == 'verbose')} · {end}\n")
        self.log(f"{count} {self.named(title, with_id=True)} · {end}")

    def forget(self, step: str) -> None:
        """A step no longer runs here."""
        self._running.pop(step, None)
        self.remaining.stop(step)

    def begun(self, step: StepProgress) -> int:
        """Count a step among those that run, and return its number among all."""
        self._running[step.step] = step
        return self.done + len(self._running)

    def seconds_left(self) -> float:
        """Seconds until all steps are done; of a large plan, as they were shortly before."""
        began = time.monotonic()
        if began >= self._next_left:
            self._left = self.remaining.left()
            now = time.monotonic()
            self._next_left = now + PAUSE * (now - began) if now - began > QUICK_SECONDS else 0.0
        return self._left

    def is_due(self, step: StepProgress, final: bool = False) -> bool:
        """Whether a step's new state would be shown or logged now. The time left is computed for such states only."""
        now = time.monotonic()
        return self._log_is_due(step, final, now) or self._line_is_due(step, final, now)

    def show(self, step: StepProgress, final: bool = False) -> None:
        """Show a step's new state: on a terminal beside those of the others, elsewhere as a line from time to time."""
        now = time.monotonic()
        if self._log_is_due(step, final, now):
            step.logged = now
            self.log(step.line_of_log(len(self._running)))
        if not self._line_is_due(step, final, now):
            return
        first, step.shown = not step.shown, now
        if self.verbosity == "quiet":
            return
        if self._lines.on_terminal:
            self._lines.draw(self._shown_lines(step))
        elif not first:
            self._lines.write(f"{' · '.join(step.line())}\n")

    def _log_is_due(self, step: StepProgress, final: bool, now: float) -> bool:
        return final or not step.logged or now - step.logged >= self._log_seconds

    def _line_is_due(self, step: StepProgress, final: bool, now: float) -> bool:
        # on a terminal the lines of all steps are drawn together
        every = TERMINAL_EVERY_SECONDS * len(self._running) if self._lines.on_terminal else self._log_seconds
        return final or not step.shown or now - step.shown >= every

    @property
    def _log_seconds(self) -> float:
        """Seconds between two lines of a step: with many steps fewer, so that all have about a line a second."""
        return max(LOG_EVERY_SECONDS, float(len(self._running)))

    def _shown_lines(self, newest: StepProgress) -> list[Sequence[str]]:
        """A line for each running step, each as its parts, and what is left if there are several."""
        if len(self._running) < 2:
            return [newest.line()]
        self._left_shown = newest.left or self._left_shown
        left = f"{self._left_shown} left" if self._left_shown else ""
        count = f"{len(self._running)} steps at a time"
        return [*(each.line()[: -1 if each.left else None] for each in self._running.values()), [count, left]]

    def named(self, title: str, *, with_id: bool) -> str:
        """A step's title, with its ids if wanted."""
        return f"{title} · step {self.ids[title]}" if with_id and title in self.ids else title

    def _write(self, text: str) -> None:
        if self.verbosity != "quiet":
            self._lines.write(text)


@dataclass
class StepProgress:
    """The log of a step that runs: what is shown of it, and when it was shown."""

    plan: PlanProgress
    step: str
    title: str = ""
    number: int = 0
    parts: Sequence[str] = ()
    left: str = ""
    """The time that the plan still takes, as this step's last report had it."""
    shown: float = 0.0
    logged: float = 0.0
    _began: float = field(default_factory=time.monotonic)
    _first: tuple[float, float] | None = None
    """(share of the train step, time) of its first report: before it, the step was set up or resumed."""

    def begin(self, title: str) -> None:
        """Show that the step begins."""
        self.title, self._began, self._first, self.parts, self.left = title, time.monotonic(), None, (), ""
        self.shown = self.logged = 0.0
        self.number = self.plan.begun(self)
        self.plan.show(self)

    def progress(self, step: int, total: int, loss: float, score: float | None = None) -> None:
        """Show the progress of a train step: optimiser steps, loss, and the last selection score."""
        now, share = time.monotonic(), step / max(total, 1)
        self._first = self._first or (share, now)
        since, began = self._first if self.plan.remaining.estimated(self.step) else (0.0, self._began)
        self.plan.remaining.report(self.step, share, now - began, since)
        final = step == total
        if self.plan.is_due(self, final):
            self.left = clock(self.plan.seconds_left())
        scored = [] if score is None else [f"score {score:.1f}"]
        self.parts = [f"step {step}/{total}", f"loss {loss:.3f}", *scored]
        self.parts += [f"{self.left} left"] if self.left else []
        self.plan.show(self, final)

    def answered(self, documents: int, total: int, tokens: int, seconds: float) -> None:
        """Show the progress of an evaluation: documents, tokens per second, and the time left."""
        self.parts = [f"documents {documents}/{total}", f"{tokens / max(seconds, 1e-3):,.0f} tokens/s"]
        if documents:
            self.plan.remaining.report(self.step, documents / total, seconds)
            if self.plan.is_due(self):
                self.left = clock(self.plan.seconds_left())
            self.parts = [*self.parts, *([f"{self.left} left"] if self.left else [])]
        self.plan.show(self)

    def say(self, text: str) -> None:
        """Print a line that stays."""
        self.plan.say(text)

    def say_once(self, text: str) -> None:
        """Print a line that stays, unless it was printed before."""
        self.plan.say_once(text)

    def line(self) -> Sequence[str]:
        """The line on a terminal, as its parts."""
        return [self._head(with_id=self.plan.verbosity == "verbose"), *self.parts]

    def line_of_log(self, running: int) -> str:
        """The line in the log: what is new; with its title if it is the first, or if several steps run."""
        if not self.parts:
            return self._head(with_id=True)
        head = [self._head(with_id=False)] if running > 1 else []
        return " · ".join([*head, *self.parts])

    def _head(self, *, with_id: bool) -> str:
        return f"[{self.number}/{self.plan.steps}] {self.plan.named(self.title, with_id=with_id)}"
