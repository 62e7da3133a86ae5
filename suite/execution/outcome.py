"""The outcome of a run, and the reason why a step failed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from suite.core import signals
from suite.core.errors import StepFailed, SuiteError, machine_problem


@dataclass(frozen=True)
class Outcome:
    """The outcome of a plan's steps."""

    done: int
    reused: int
    failed: Mapping[str, str] = field(default_factory=dict)
    """Title -> reason."""
    blocked: int = 0
    """Number of steps that need a failed one."""
    interrupted: signals.EndedBySignal | None = None
    left: int = 0
    """Number of steps left at the time limit."""
    seconds: float = 0.0
    log: Path | None = None
    """The file with all messages of the run; None if none could be written."""

    @property
    def exit_code(self) -> int:
        """0: all done, or the time limit was reached; 1: a step failed; 130, 143 or 129: ended by Ctrl-C, SIGTERM or
        SIGHUP."""
        if self.interrupted:
            return self.interrupted.exit_code
        return 1 if self.failed or self.blocked else 0


def reason_of(error: BaseException) -> str | None:
    """Why a step failed, on one line, if the user or the machine is the cause; None for a bug."""
    if isinstance(error, (StepFailed, SuiteError)):
        return " ".join(str(error).split())
    problem = machine_problem(error)
    return None if problem is None else str(problem)
