"""What does the steps of a plan: the protocol, and the executor that does them here."""

from __future__ import annotations

from typing import Protocol

from suite.execution.context import StepContext
from suite.execution.schedule import Schedule
from suite.execution.worker import run_step


class Executor(Protocol):
    """Does the steps of a plan, here or elsewhere, one after another or side by side."""

    def run(self, schedule: Schedule, context: StepContext) -> None:
        """Take steps from the schedule until there is none left, and tell it what `run_step` says of each.

        `run_step`, its arguments and what it returns can be pickled, but for the log: one that is sent away takes
        what it is told to `schedule.progress`. Raises EndedBySignal when the user ends the run.
        """


class LocalExecutor:
    """Does one step after another in this process."""

    def run(self, schedule: Schedule, context: StepContext) -> None:
        """As the protocol says."""
        while step := schedule.take():
            schedule.ended(step, run_step(step, context, schedule.progress))
