"""Progress messages of a run: one changing line on a terminal, a line every few seconds in a log."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal, TextIO

from suite.core.quantities import clock
from suite.execution.remaining import Remaining

LOG_EVERY_SECONDS = 10.0
TERMINAL_EVERY_SECONDS = 0.2

Verbosity = Literal["quiet", "normal", "verbose"]
"""How much a run prints: nothing before its end; its progress; or also the ids of its steps and libraries' warnings."""


@dataclass
class PlanProgress:
    """Progress of a plan: the current step, the number of steps, the training step, loss, score and the time left."""

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
    _title: str = ""
    _step_began: float = field(default_factory=time.monotonic)
    _first: tuple[float, float] | None = None
    """(share of the current train step, time) of its first report: before it, the step was set up or resumed."""
    _shown: float = 0.0
    _logged: float = 0.0
    _said: set[str] = field(default_factory=set)

    def begin(self, title: str) -> None:
        """Show that a step begins."""
        self._title, self._step_began, self._first = title, time.monotonic(), None
        self._shown = self._logged = 0.0
        self._line([self._head()], self._head(with_id=True))

    def progress(self, step: int, total: int, loss: float, score: float | None = None) -> None:
        """Show the progress of a train step: optimiser steps, loss, and the last selection score."""
        now, share = time.monotonic(), step / max(total, 1)
        self._first = self._first or (share, now)
        since, began = self._first if self.remaining.estimated else (0.0, self._step_began)
        left = self.remaining.left(share, now - began, since)
        scored = [] if score is None else [f"score {score:.1f}"]
        parts = [f"step {step}/{total}", f"loss {loss:.3f}", *scored, f"{clock(left)} left"]
        self._line([self._head(), *parts], " · ".join(parts), final=step == total)

    def answered(self, documents: int, total: int, tokens: int, seconds: float) -> None:
        """Show the progress of an evaluation: documents, tokens per second, and the time left."""
        parts = [f"documents {documents}/{total}", f"{tokens / max(seconds, 1e-3):,.0f} tokens/s"]
        if documents:
            parts.append(f"{clock(self.remaining.left(documents / total, seconds))} left")
        self._line([self._head(), *parts], " · ".join(parts))

    def say(self, text: str) -> None:
        """Print a line that stays."""
        self._clear()
        self._write(f"  {text}\n")
        self.log(text)

    def say_once(self, text: str) -> None:
        """Print a line that stays, unless it was printed before."""
        if text not in self._said:
            self._said.add(text)
            self.say(text)

    def end(self, title: str, outcome: str, seconds: float) -> None:
        """Show that a step ended, with its outcome (its score, or what went wrong)."""
        self._clear()
        self.done += 1
        count, end = f"[{self.done}/{self.steps}]", f"{outcome} · {clock(seconds)}"
        self._write(f"{count} {self._named(title, with_id=self.verbosity == 'verbose')} · {end}\n")
        self.log(f"{count} {self._named(title, with_id=True)} · {end}")

    def _head(self, *, with_id: bool = False) -> str:
        named = self._named(self._title, with_id=with_id or self.verbosity == "verbose")
        return f"[{self.done + 1}/{self.steps}] {named}"

    def _named(self, title: str, *, with_id: bool) -> str:
        return f"{title} · step {self.ids[title]}" if with_id and title in self.ids else title

    def _line(self, parts: Sequence[str], logged: str, final: bool = False) -> None:
        """Show a line that the next one replaces; `logged` is its text in the log."""
        now = time.monotonic()
        if final or not self._logged or now - self._logged >= LOG_EVERY_SECONDS:
            self._logged = now
            self.log(logged)
        terminal = self._terminal
        every = TERMINAL_EVERY_SECONDS if terminal else LOG_EVERY_SECONDS
        if not final and self._shown and now - self._shown < every:
            return
        first, self._shown = not self._shown, now
        if terminal:
            width = shutil.get_terminal_size().columns - 1
            self._write(f"\r\x1b[2K{_fitted(parts, width)}")
        elif not first:
            self._write(f"{' · '.join(parts)}\n")

    def _clear(self) -> None:
        if self._terminal:
            self._write("\r\x1b[2K")

    @property
    def _terminal(self) -> bool:
        with suppress(ValueError, AttributeError):  # closed, or None
            return self.out.isatty()
        return False

    def _write(self, text: str) -> None:
        """Write to the output, which may be closed, full or no longer read; the run goes on in any case."""
        if self.verbosity == "quiet":
            return
        with suppress(OSError, ValueError, AttributeError):
            self.out.write(text)
            self.out.flush()


def _fitted(parts: Sequence[str], width: int) -> str:
    """The parts of a line within a width. The last part stays longest.

    Of those between the first and the last, all but one go; then the end of the first, from its last `·`; then the one.
    At last the first is cut.
    """
    first, *more, last = ("", *parts) if len(parts) == 1 else parts
    while more and len(" · ".join([first, *more, last])) > width:
        begun = first.rpartition(" · ")[0]
        if len(more) == 1 and begun:
            first = begun
        else:
            more.pop()
    room = width - len(" · ".join(["", *more, last]))
    if len(first) > room:
        first = f"{first[: room - 1]}…" if room > 1 else ""
    return " · ".join(filter(None, [first, *more, last]))[:width]
