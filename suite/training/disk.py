"""The disk space that training needs, by what it trains: checkpoints and the artifact."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from torch import nn

from suite.models.offload import file_bytes
from suite.training.checkpoint import checkpoint_bytes_in
from suite.training.config import MOMENTS, FitConfig, Optimisation
from suite.training.job import Job
from suite.training.trainable import Trainable

NUMBER: Final = 4
"""Bytes of a number in a checkpoint, and at most in an artifact."""
NO_CHECKPOINTS: Final = "write no checkpoints (`budget.checkpoint_minutes: null`)"


def require_disk(config: Optimisation, job: Job, trainable: Trainable) -> None:
    """Raises StepFailed before the first step if there is no room for the checkpoints and the artifact."""
    if job.disk is None:
        return
    budget = job.budget_for(config)
    best = file_bytes(trainable.parameters) if may_select(budget) else 0
    artifact = NUMBER * sum(parameter.numel() for parameter in trainable.parameters.values())
    if math.isinf(budget.checkpoint_seconds):
        job.disk.require(best + artifact, "the artifact")
        return
    checkpoint, earlier = checkpoint_bytes(trainable.parameters, budget), checkpoint_bytes_in(job.checkpoint)
    # a new checkpoint stands beside the old one until it is complete; then the artifact stands beside the last one
    needed = best + checkpoint + max(checkpoint, artifact) - earlier
    job.disk.require(needed, "training with checkpoints", NO_CHECKPOINTS)


def checkpoint_bytes(parameters: Mapping[str, nn.Parameter], budget: FitConfig) -> int:
    """Bytes of a checkpoint: the parameters, those of the best step so far if there may be one, and the optimiser."""
    copies = 1 + may_select(budget) + MOMENTS[budget.optimizer]
    numbers = math.ceil(copies * sum(parameter.numel() for parameter in parameters.values()))
    if budget.optimizer == "adafactor":
        numbers += sum(_factored(tuple(parameter.shape)) for parameter in parameters.values())
    return NUMBER * numbers


def may_select(budget: FitConfig) -> bool:
    """Whether parameters of an earlier step may be the best."""
    return budget.select_every is not None and budget.select_every < budget.steps


def _factored(shape: tuple[int, ...]) -> int:
    """Numbers of Adafactor's second moment: of rows and of columns, or of each value of a vector."""
    if len(shape) < 2:
        return math.prod(shape)
    *outer, rows, columns = shape
    return math.prod(outer) * (rows + columns)
