"""What answered a task of an experiment: the train steps whose artifacts were in effect, as the store has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from suite.core.errors import SuiteError, did_you_mean
from suite.results.store import StepRecord
from suite.results.store.experiment_results import ExperimentResults

ROUTER: Final = "router"
"""What names the skill of each document, where an expert for each skill answers."""


def answering_step(results: ExperimentResults, role: str | None) -> tuple[str, StepRecord]:
    """The role to answer (the first target, unless named) and the step that evaluated it."""
    record = results.record
    roles = list(dict.fromkeys(evaluated for evaluated, _ in results.evaluations()))
    answered = role or (*record.targets, *roles)[0]
    if answered not in roles:
        raise SuiteError(f"'{record.name}' was not asked '{answered}'", where="role", fix=did_you_mean(answered, roles))
    step = results.step(answered, next(shots for evaluated, shots in results.evaluations() if evaluated == answered))
    assert step is not None, "it is among the evaluations"
    return answered, step


def finished_stack(results: ExperimentResults, steps: Sequence[object]) -> tuple[str, ...]:
    """The train steps of a stack. Raises SuiteError for one that is not done."""
    stack = tuple(map(str, steps))
    undone = [
        results.steps[step_id].title
        for step_id in stack
        if step_id in results.steps and results.steps[step_id].status != "done"
    ]
    if undone:
        what = f"'{results.record.name}' is not finished: {undone[0]} is to be done"
        raise SuiteError(what, fix="suite.run its plan first")
    return stack


@dataclass(frozen=True)
class Stacks:
    """What answers the targets of an experiment, or one named role."""

    steps: Mapping[str, tuple[str, ...]]
    """Role or skill -> the train steps whose artifacts are in effect."""
    roles: Mapping[str, str]
    """Role or skill -> the role whose task it is asked."""
    identity: str
    """Of the base model."""


def stacks_of(results: ExperimentResults, role: str | None) -> Stacks:
    """The stacks of the targets, or of a role; where one of several models answers each document, those of all.

    Raises SuiteError for an experiment that is not finished.
    """
    record = results.record
    steps: dict[str, tuple[str, ...]] = {}
    roles: dict[str, str] = {}
    identity = ""
    for name in [role] if role is not None else (*record.targets,) or [None]:
        answered, step = answering_step(results, name)
        identity = str(step.config["model"]["identity"])
        dispatch = step.config.get("dispatch")
        if dispatch is None:
            steps[answered], roles[answered] = finished_stack(results, step.config["stack"]), answered
            continue
        for skill, stack in dispatch["stacks"].items():
            steps[skill], roles[skill] = finished_stack(results, stack), skill
        router = finished_stack(results, dispatch["asker"])
        if router:
            steps[ROUTER], roles[ROUTER] = router, str(record.spec["method"].get("dispatch", ROUTER))
    return Stacks(steps, roles, identity)
