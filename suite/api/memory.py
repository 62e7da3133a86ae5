"""What the steps of a plan take of a machine's memory, before anything is loaded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from suite.api.planning import PlannedRun
from suite.planning.machine import TargetMachine

if TYPE_CHECKING:
    from suite.simulation.fitting import StepMemory


@dataclass(frozen=True)
class MemoryPlan:
    """The memory of a plan's steps on a machine."""

    machine: TargetMachine
    steps: tuple[StepMemory, ...]
    """One for each step that trains or answers, in order."""

    @property
    def refused(self) -> tuple[StepMemory, ...]:
        """The steps that do not fit."""
        return tuple(step for step in self.steps if not step.fits)


def memory_on(
    run: PlannedRun, machine: TargetMachine | str, progress: Callable[[int, int], None] = lambda done, all_steps: None
) -> MemoryPlan:
    """The memory that each step of a plan takes on a machine, such as ``1xH100-80GB`` or ``cpu-16GB``.

    Training and answering are simulated on tensors without values, with the configs of the models and the longest
    examples of the data. Raises SuiteError for a machine that cannot be read. A method from outside may need values of
    its tensors: what it takes is unknown then. `progress` is called before each step of the plan with the number of
    those before it, and of all.
    """
    from suite.simulation.fitting import memory_of

    described = TargetMachine.of(machine) if isinstance(machine, str) else machine
    plan = with_devices(run, described).plan
    return MemoryPlan(described, tuple(memory_of(plan, run.inputs, described, progress)))


def with_devices(run: PlannedRun, machine: TargetMachine) -> PlannedRun:
    """The plan with the number of devices that each step takes on a machine, where its track leaves that open."""
    if all(step.work.track.budget.shard != "auto" for step in run.plan.steps):
        return run
    from suite.simulation.devices import with_chosen_devices

    return replace(run, plan=with_chosen_devices(run.plan, run.inputs, machine))
