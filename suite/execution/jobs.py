"""The job of a train step, and the training of its method."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from suite.core.disk import DiskSpace
from suite.core.errors import StepFailed
from suite.execution.targets import Scorer, probe_callback, retention_set, roll_outs, scorers, training_sets
from suite.methods import Method
from suite.models.adapted import AdaptedModel
from suite.models.artifacts import Artifact
from suite.models.backbone import Backbone
from suite.planning.steps import Step, Train
from suite.tasks.data import DataLocations
from suite.training.config import Optimisation
from suite.training.data.source import Spending
from suite.training.job import Job, Trained
from suite.training.loop import Log
from suite.training.requirements import GradientSteps


def divides(work: Train) -> bool:
    """Whether several devices need less memory each than one for a step, and can train it."""
    needs, track = work.methods.get(work.method).requirements(work.config), work.track
    in_few_bits = isinstance(work.config, Optimisation) and work.config.optimizer == "adamw8bit"
    aligned = work.probes and track.probes is not None and track.probes.gradients is not None
    return needs.sharding in ("weights", "base") and not (track.model.quantization or in_few_bits or aligned)


def job_of(
    work: Train, backbone: Backbone, data: DataLocations, parents: tuple[Artifact, ...], checkpoint: Path, *,
    disk: DiskSpace | None, log: Log, spending: Spending,
) -> Job:  # fmt: skip
    """The job of a train step. `parents` are its prerequisites' artifacts, `checkpoint` is its own folder."""
    chat = backbone.chat
    sets, selection_rows = training_sets(work, data, chat)
    minutes, role_scorers = work.track.budget.checkpoint_minutes, scorers(work, selection_rows, data, chat)
    return Job(
        backbone=backbone,
        examples=sets,
        selection=lambda answering: mean([_score(scorer, answering(role)) for role, scorer in role_scorers.items()]),
        roll_out=roll_outs(work, data, chat),
        budget=work.track.budget,
        selection_rule=work.track.selection,
        seed=work.seed,
        parents=parents,
        retention=retention_set(work, data, chat),
        checkpoint=checkpoint,
        checkpoint_seconds=math.inf if minutes is None else 60 * minutes,
        disk=disk,
        log=log,
        probe=probe_callback(work, data, chat) if work.probes else None,
        spending=spending,
        sharding=work.methods.get(work.method).requirements(work.config).sharding or "nothing",
    )


def trained(step: Step, work: Train, job: Job) -> Trained:
    """Train by the step's method. Raises StepFailed with the reason."""
    method = _method(step, work)
    assert method.train is not None, f"{work.method} has no train step of its own"
    result = method.train(work.config, job)
    by_gradient = isinstance(method.requirements(work.config).cost, GradientSteps)
    if by_gradient and result.artifact.neutral:  # a search may find that nothing helps
        raise StepFailed("training left the base as it is: raise the learning rate or the number of steps")
    return result


def _method(step: Step, work: Train) -> Method:
    """The method as it was planned. Raises StepFailed for a method from outside whose source has changed."""
    origin = work.methods.origin(work.method)
    if origin is not None and origin.sources().hash != step.key["source"]:
        raise StepFailed(f"{origin} changed after the step was planned: run again")
    return work.methods.get(work.method)


def mean(values: Sequence[float]) -> float:
    """The mean of at least one value."""
    return sum(values) / len(values)


def _score(scorer: Scorer, answering: AbstractContextManager[AdaptedModel]) -> float:
    with answering as current:
        return scorer([current])[0]
