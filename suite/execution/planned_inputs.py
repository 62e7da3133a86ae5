"""Compares the data, the model and the code of the machine that runs a step with those that it was planned with."""

from __future__ import annotations

from collections.abc import Iterator

from suite.core.errors import StepFailed
from suite.models.source import locate
from suite.planning import Evaluate, Inputs, Step, Train
from suite.planning.make import EVALUATION, TRAINING
from suite.tasks.splits import exemplar_rows, reported_rows, training_rows


def check_inputs(step: Step, inputs: Inputs) -> None:
    """Raises StepFailed if this machine has another model, other rows or another version than the plan."""
    for what, here, planned in _compared(step, inputs):
        if here != planned:
            raise StepFailed(f"{what} on this machine is not the one of the plan: copy it there, or share its folder")


def _compared(step: Step, inputs: Inputs) -> Iterator[tuple[str, object, object]]:
    """Yield (what, as it is here, as it was planned)."""
    work, key = step.work, step.key
    version = EVALUATION if isinstance(work, Evaluate) else TRAINING
    if "code" in key:
        yield "the version of suite", version, key["code"]
    if "model" in key:
        yield f"the model {work.track.model.title}", locate(work.track.model, inputs.models).identity, _identity(key)
    if isinstance(work, Evaluate):
        yield f"the data of task '{work.task.name}'", reported_rows(work.task, inputs.data).content_hash, key["data"]
        if "exemplars" in key:
            pool = exemplar_rows(work.task, inputs.data)
            yield f"the training data of task '{work.task.name}'", pool.content_hash, key["exemplars"]
    elif isinstance(work, Train):
        for role, task in work.targets.items():
            rows = training_rows(task, inputs.data)
            yield f"the training data of task '{task.name}'", rows.content_hash, key["tasks"][role]["data"]


def _identity(key: object) -> object:
    model = key["model"] if isinstance(key, dict) else None
    return model.get("identity") if isinstance(model, dict) else None
