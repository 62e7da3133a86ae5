"""A made-up plan whose steps have known durations, for simulations of workers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import Final, cast

from suite.planning import Evaluate, Inputs, Plan, Step, make_plan
from suite.planning.makespan import TimedStep, longest_paths
from suite.planning.steps import Train
from suite.specs import Options, load, shipped
from suite.tasks.data import DataLocations

EVALUATIONS: Final = 12
"""Of each training."""
ON_TOP: Final = 0.3
"""Share of the trainings that build on the one before."""
SECONDS: Final = {"train": (600.0, 0.8), "evaluate": (60.0, 0.6)}
"""Kind -> median and sigma of the log-normal durations."""
ESTIMATE_SIGMA: Final = 0.3
"""Of the factor by which an estimate is wrong."""


@dataclass(frozen=True)
class MadeUpPlan:
    """A plan whose real durations are known."""

    plan: Plan
    seconds: Mapping[str, float]
    """Step -> seconds of an attempt that does not die."""

    def lower_bound(self, workers: int) -> float:
        """No timetable on so many workers is shorter, in seconds."""
        timed = [TimedStep(step.id, self.seconds[step.id], step.parents) for step in self.plan.steps]
        return max(sum(self.seconds.values()) / workers, *longest_paths(timed).values())


def made_up(count: int, seed: int) -> MadeUpPlan:
    """A plan of so many steps; parents come before their children."""
    (experiment,) = load([shipped() / "finetune_rte.yaml"], Options(track="micro"))
    real = make_plan([experiment], Inputs(DataLocations())).steps
    train = next(step for step in real if isinstance(step.work, Train))
    evaluate = next(step for step in real if isinstance(step.work, Evaluate) and step.parents)
    chance, steps, seconds, before = Random(seed), list[Step](), dict[str, float](), ""
    for number in range(count):
        of_training = number % (EVALUATIONS + 1)
        if of_training == 0:
            parents = (before,) if before and chance.random() < ON_TOP else ()
            step = replace(train, work=replace(cast(Train, train.work), parents=parents))
            before = f"{number:064x}"
        else:
            step = replace(evaluate, work=replace(cast(Evaluate, evaluate.work), stack=(before,)))
        median, sigma = SECONDS[step.kind]
        taken = median * chance.lognormvariate(0.0, sigma)
        estimate = replace(step.estimate, seconds=taken * chance.lognormvariate(0.0, ESTIMATE_SIGMA))
        name = f"{number:064x}"
        key = {**step.key, "number": number}
        steps.append(replace(step, id=name, title=f"{step.kind} {number}", key=key, estimate=estimate))
        seconds[name] = taken
    return MadeUpPlan(Plan((), tuple(steps)), seconds)
