"""When the steps of a plan would run on the devices of a machine, and how long all of them take."""

from __future__ import annotations

from dataclasses import dataclass

from suite.api.planning import PlannedRun
from suite.planning import Step
from suite.planning.devices import device_count_of
from suite.planning.machine import TargetMachine
from suite.planning.makespan import TimedStep, TimetableEntry, longest_paths, makespan, timetable


@dataclass(frozen=True)
class MachineTimetable:
    """The timetable of the steps to do on a machine, by their estimated seconds."""

    machine: TargetMachine
    entries: tuple[TimetableEntry, ...]
    steps: tuple[Step, ...]
    """The steps to do."""

    @property
    def seconds(self) -> float:
        """Until all are done, if as many run at a time as there are devices."""
        return makespan(self.entries)

    @property
    def in_turn(self) -> float:
        """Until all are done, one after another."""
        return sum(entry.end - entry.begin for entry in self.entries)

    @property
    def longest_chain(self) -> float:
        """Seconds of the longest chain of steps of which each needs the one before."""
        return max(longest_paths(_timed(self.steps)).values(), default=0.0)

    @property
    def sharded(self) -> tuple[Step, ...]:
        """The steps that several devices train together."""
        return tuple(step for step in self.steps if device_count_of(step.work) > 1)

    @property
    def most_at_once(self) -> int:
        """How many steps run at a time at most."""
        changes = sorted(
            [(entry.begin, 1) for entry in self.entries if entry.end > entry.begin]
            + [(entry.end, -1) for entry in self.entries if entry.end > entry.begin]
        )
        running = most = 0
        for _, change in changes:
            running += change
            most = max(most, running)
        return most


def timetable_on(run: PlannedRun, machine: TargetMachine | str) -> MachineTimetable:
    """The timetable of a plan's steps that are not done on a machine such as ``8xH100-80GB``.

    Where a track leaves the number of devices open, see `suite.api.memory.with_devices`. A step that devices train
    together is assumed to take its seconds divided by their number. Raises SuiteError for a machine that cannot be
    read.
    """
    described = TargetMachine.of(machine) if isinstance(machine, str) else machine
    todo = {step.id for step in run.steps() if step.status != "done"}
    steps = tuple(step for step in run.plan.steps if step.id in todo)
    return MachineTimetable(described, timetable(_timed(steps), described.count), steps)


def _timed(steps: tuple[Step, ...]) -> list[TimedStep]:
    timed = []
    for step in steps:
        count = device_count_of(step.work)
        timed.append(TimedStep(step.id, step.estimate.seconds / count, step.parents, count))
    return timed
