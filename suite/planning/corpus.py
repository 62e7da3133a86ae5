"""Retention data: which steps use it, its part of a step's key, and that no reported row is in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from suite.core.errors import Problem
from suite.specs import Experiment
from suite.tasks.containment import contained
from suite.tasks.data import DataLocations
from suite.tasks.definition import TaskFile
from suite.tasks.splits import reported_rows, training_rows
from suite.training.requirements import Requirements


def corpus(experiment: Experiment, needs: Requirements) -> TaskFile | None:
    """The retention data of a train step with these requirements."""
    return experiment.retention if needs.retention else None


def corpus_key(experiment: Experiment, needs: Requirements, data: DataLocations) -> dict[str, Any]:
    """The part of a step's key that says which retention data it uses; empty without."""
    task = corpus(experiment, needs)
    if task is None:
        return {}
    return {"retention": {"task": task.fingerprint, "data": training_rows(task, data).content_hash}}


def corpus_problems(experiment: Experiment, methods: list[str], data: DataLocations) -> Iterator[Problem]:
    """Problems of the retention data that these methods train on: there is none, or it has reported rows.

    Raises SuiteError if its rows cannot be read.
    """
    task, track = experiment.retention, experiment.track
    if task is None:
        for method in methods:
            what = f"{method} trains on retention data, and track '{track.name}' has none"
            yield Problem(experiment.file, what, "name a task in the track: `retention: TASK`")
        return
    rows = training_rows(task, data)
    for role in (*experiment.targets, *experiment.held_out):
        reported = reported_rows(experiment.tasks[role], data)
        pairs = contained(experiment.tasks[role], reported, task, rows)
        if pairs:
            place, document = next(iter(pairs.items()))
            many = "1 row" if len(pairs) == 1 else f"{len(pairs)} rows"
            what = f"retention: '{task.name}' contains {many} that '{experiment.tasks[role].name}' reports"
            first = f"first {reported.place(place)} in {rows.place(document)}"
            yield Problem(str(task.path), f"{what}, {first}", "leave them out of its training rows")
