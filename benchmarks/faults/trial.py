"""What a trial is: a kind of fault that is caused many times over, and whatever went wrong by it."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from suite.core.signals import ENDING


@dataclass(frozen=True)
class Outcome:
    """How a trial ended."""

    tried: int
    """Faults that were caused."""
    told: Mapping[str, int]
    """How many of them ended how, in words."""
    wrong: tuple[str, ...]
    """A line for whatever was lost, done twice, shown wrong or told badly; none is what is hoped for."""


class Trial(Protocol):
    """A module of this package."""

    COUNT: int
    """How many faults a whole trial causes."""

    def trial(self, scratch: Path, count: int, seed: int) -> Outcome:
        """Cause `count` faults, drawn by `seed`, in an empty folder."""


def usual_signals() -> None:
    """End what is started from now on by signals as usual, though whoever started this process had them ignored.

    A shell ignores SIGINT for what it starts with `&`, and children inherit that.
    """
    for number in ENDING:
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
