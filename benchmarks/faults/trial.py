"""The interface of a trial: it causes one kind of fault many times and reports what went wrong."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from suite.core.signals import ENDING


@dataclass(frozen=True)
class Outcome:
    """The result of a trial."""

    tried: int
    """Number of faults."""
    told: Mapping[str, int]
    """How they ended, in words -> count."""
    wrong: tuple[str, ...]
    """A line for everything that was lost, done twice, shown wrong or reported badly; ideally empty."""


class Trial(Protocol):
    """A module of this package."""

    COUNT: int
    """Number of faults in a complete trial."""

    def trial(self, scratch: Path, count: int, seed: int) -> Outcome:
        """Cause `count` faults, drawn by `seed`, in an empty folder."""


def usual_signals() -> None:
    """Restore the usual effect of signals on child processes, even if this process's parent ignored them.

    A shell ignores SIGINT for commands started with `&`, and children inherit that.
    """
    for number in ENDING:
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
