"""A supervised train step for any trainable parameters: examples to batches, the loop, and selection."""

from __future__ import annotations

from itertools import count

from torch import Tensor

from suite.training.config import Optimisation
from suite.training.data.batches import Batch
from suite.training.job import Job
from suite.training.loop import Fit, fit
from suite.training.objectives.losses import answer_loss
from suite.training.trainable import Trainable


def train_supervised(config: Optimisation, job: Job, trainable: Trainable) -> Fit:
    """Fit parameters to the job's examples by next-token loss on the answers, with targets mixed as in `config.mix`."""
    budget, backbone, probe = job.budget_for(config), job.backbone, job.probe
    scored = count()

    def loss(batch: Batch) -> Tensor:
        adapted = trainable.adapted(backbone, batch.target_index)
        return answer_loss(adapted, batch, budget.label_smoothing, budget.z_loss)

    def score() -> float:
        # parameters change between scores, so the label keeps their answers apart in caches
        label = f"in training, selection {next(scored)}"
        return job.selection(lambda role: trainable.answering(backbone, job.roles, role, label))

    return fit(
        backbone.model,
        trainable.parameters,
        loss,
        job.batches(config, trainable),
        budget,
        seed=job.seed,
        score=score,
        checkpoint=job.checkpoint,
        log=job.log,
        probe=None if probe is None else lambda step: probe(step, config, job, trainable),
        due=None if probe is None else lambda step: probe.due(step, budget.steps),
        spending=job.spending,
        base=backbone.identity,
        sharding=job.sharding,
    )
