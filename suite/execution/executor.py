"""Executors, which run the steps of a plan: the protocol, and the one that runs them in this process."""

from __future__ import annotations

from typing import Protocol

from suite.execution.context import StepContext
from suite.execution.schedule import Schedule
from suite.execution.worker import run_step


class Executor(Protocol):
    """Runs the steps of a plan, here or elsewhere, one after another or in parallel.

    One that runs several steps at a time says how many in an attribute `workers`: then the longest path comes first.
    One that chooses devices itself has a method `check(device)`, which raises SuiteError for a run's device that it
    would ignore.
    """

    def run(self, schedule: Schedule, context: StepContext) -> None:
        """Take steps from the schedule until none is left, and report the result of `run_step` for each.

        `run_step`, its arguments and its result can be pickled, except the log. An executor that sends steps away
        passes their log calls on to `schedule.log(step)`. One after another, steps come from `schedule.take()`; several
        at a time from `schedule.ready()`, until `schedule.over`, with `schedule.poll()` from time to time. Raises
        EndedBySignal if the user ends the run.
        """


class LocalExecutor:
    """Runs one step after another in this process."""

    def run(self, schedule: Schedule, context: StepContext) -> None:
        """Run all steps of the schedule."""
        while step := schedule.take():
            schedule.ended(step, run_step(step, context, schedule.log(step)))
