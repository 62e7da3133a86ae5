"""How many devices train a step together with `budget.shard: auto`: as few as hold its predicted memory.

An evaluation is answered by as many as trained what it evaluates.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import torch

from suite.execution.jobs import divides
from suite.models.backbone import device_of
from suite.planning import Inputs
from suite.planning.machine import TargetMachine
from suite.planning.steps import Evaluate, Plan, Step, Train
from suite.simulation.fitting import least_total, with_track
from suite.simulation.steps import PlanSimulation
from suite.simulation.training import without_values


def machine_here(device: str | None) -> TargetMachine | None:
    """The GPUs of this machine from a device on (None: all); None if that is no GPU."""
    first = device_of(device)
    if first.type != "cuda":
        return None
    start = first.index or 0
    found = torch.cuda.get_device_properties(start)
    return TargetMachine(torch.cuda.device_count() - start, found.name, int(found.total_memory))


def with_chosen_devices(plan: Plan, inputs: Inputs, machine: TargetMachine | None) -> Plan:
    """The plan with a number of devices in place of each `auto`: one without a machine with GPUs.

    It doubles until the step fits, at most to the number of GPUs and of examples in a batch. One device is taken for
    what cannot be predicted.
    """
    steps = {step.id: step for step in plan.steps}
    if machine is None or not machine.on_gpu:
        return replace(plan, steps=tuple(_with_devices(step, 1) for step in plan.steps))
    with without_values(on_gpu=True) as tracker:
        simulation = PlanSimulation(inputs, tracker, on_gpu=True)
        chosen = {step.id: _chosen(step, steps, simulation, machine) for step in plan.steps}
    for step in plan.steps:
        if isinstance(step.work, Evaluate):
            chosen[step.id] = max((chosen[parent] for parent in step.parents), default=1)
    return replace(plan, steps=tuple(_with_devices(step, chosen[step.id]) for step in plan.steps))


def _chosen(step: Step, steps: Mapping[str, Step], simulation: PlanSimulation, machine: TargetMachine) -> int:
    work = step.work
    if not isinstance(work, Train) or work.track.budget.shard != "auto" or not divides(work):
        return 1
    count = 1
    while True:
        needed = least_total(with_track(step, "budget", shard=count), steps, simulation)
        more = 2 * count
        if needed is None or needed <= machine.usable or more > min(machine.count, work.track.budget.batch_size):
            return count
        count = more


def _with_devices(step: Step, count: int) -> Step:
    if isinstance(step.work, Train | Evaluate) and step.work.track.budget.shard == "auto":
        return with_track(step, "budget", shard=count)
    return step
