"""Optimise trainable parameters for the likelihood of right answers or for the reward of own answers."""

from __future__ import annotations

from suite.core.diagnostics import TrainingTime
from suite.training.config import Optimisation
from suite.training.disk import require_disk
from suite.training.job import Job
from suite.training.loop import Fit
from suite.training.objectives.reinforce import train_by_reward
from suite.training.objectives.supervised import train_supervised
from suite.training.requirements import GradientSteps, Requirements
from suite.training.trainable import Trainable


def optimise(config: Optimisation, job: Job, trainable: Trainable) -> Fit:
    """Train for `config.objective` on `config.examples` examples of each target.

    Raises StepFailed before the first step if the disk has no room for what training writes.
    """
    require_disk(config, job, trainable)
    train = train_by_reward if config.objective == "reinforce" else train_supervised
    return train(config, job.limited(config), trainable)


def time_spent(needs: Requirements, fit: Fit) -> tuple[TrainingTime, ...]:
    """Seconds of training by phase; empty for steps that do not train step by step."""
    if not isinstance(needs.cost, GradientSteps) or not fit.seconds:
        return ()
    spent = {phase: round(seconds, 3) for phase, seconds in fit.seconds.items()}
    sampling, update = spent.get("sampling", 0.0), spent.get("update", 0.0)
    measured = {"selection": spent.get("selection", 0.0), "probes": spent.get("probes", 0.0)}
    if needs.reward:
        return (TrainingTime(sampling=sampling, update=update, **measured),)
    return (TrainingTime(update=round(sampling + update, 3), **measured),)  # making batches is a part of the update
