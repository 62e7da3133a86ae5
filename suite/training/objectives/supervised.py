"""A supervised train step for any trainable set: examples to ids, batches, the loop, and selection on a stack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count
from random import Random

from suite.core.errors import StepFailed, SuiteError
from suite.core.hashing import seed_of
from suite.training.config import Optimisation
from suite.training.data.batches import Batch, Batches, Mixed, shares
from suite.training.data.examples import Encoded, encode
from suite.training.data.exemplars import PromptedExample, behind_exemplars
from suite.training.data.source import Source
from suite.training.job import Job
from suite.training.loop import Fit, fit
from suite.training.objectives.losses import answer_loss
from suite.training.trainable import Trainable


def train_supervised(config: Optimisation, job: Job, trainable: Trainable) -> Fit:
    """Fit parameters to the job's examples by next-token loss on the answers, targets mixed as `config.mix` says."""
    budget, backbone, probe = job.budget_for(config), job.backbone, job.probe
    looks = count()

    def score() -> float:
        # parameters change between two looks, so their stacks must not be taken for the same
        label = f"in training, look {next(looks)}"
        return job.selection(lambda role: trainable.answering(backbone, job.roles, role, label))

    return fit(
        backbone.model,
        trainable.parameters,
        lambda batch: answer_loss(trainable.now(backbone, batch.place), batch, budget.label_smoothing, budget.z_loss),
        batches_of(config, job, trainable),
        budget,
        seed=job.seed,
        score=score,
        checkpoint=job.checkpoint,
        log=job.log,
        look=None if probe is None else lambda step: probe(step, config, job, trainable),
        due=None if probe is None else lambda step: probe.due(step, budget.steps),
        spending=job.spending,
        base=backbone.identity,
    )


def batches_of(config: Optimisation, job: Job, trainable: Trainable) -> Source[Batch]:
    """The job's examples in batches: all targets in one pool, or in the ratio of `config.mix`."""
    size, steps = job.budget_for(config).batch_size, job.budget_for(config).steps
    pool = [(place, at) for place, each in enumerate(job.examples) for at in range(len(each.examples))]
    if config.mix is None:
        return _batches(config, job, trainable, pool, size, size * steps)
    sizes = shares(_weights(config.mix, job), size)
    return Mixed(
        [
            _batches(config, job, trainable, [each for each in pool if each[0] == place], part, part * steps)
            for place, part in enumerate(sizes)
        ]
    )


def _weights(mix: Mapping[str, float], job: Job) -> list[float]:
    if set(mix) != set(job.roles):
        raise StepFailed(f"mix names {', '.join(mix)}, and the targets are {', '.join(job.roles)}")
    return [mix[role] for role in job.roles]


def _batches(
    config: Optimisation, job: Job, trainable: Trainable, pool: Sequence[tuple[int, int]], size: int, wanted: int
) -> Batches:
    """Batches of some examples, each (target, place among its examples)."""
    if len(pool) > wanted:  # less than an epoch: encode no more than is trained on
        pool = Random(seed_of(job.seed, "part of an epoch")).sample(pool, wanted)
    if not pool:
        raise SuiteError("there is no example to train on")
    epochs = -(-wanted // len(pool)) if config.shots else 1  # without exemplars, every epoch is like the first
    encoded = [_encoded(config, job, trainable, pool, epoch) for epoch in range(epochs)]
    return Batches(job.backbone, *encoded, batch_size=size, seed=job.seed)


def _encoded(
    config: Optimisation, job: Job, trainable: Trainable, pool: Sequence[tuple[int, int]], epoch: int
) -> list[Encoded]:
    """The examples as ids, in the order of the pool."""
    found: dict[tuple[int, int], Encoded] = {}
    for place, each in enumerate(job.examples):
        those = [key for key in pool if key[0] == place]
        if not those:
            continue
        asked: list[PromptedExample] = behind_exemplars(each, [at for _, at in those], config.shots, job.seed, epoch)
        encoding = encode(
            job.backbone, asked, max_length=job.budget.max_length, soft_length=trainable.soft_length(place),
            prefix_length=trainable.prefix_length, place=place,
        )  # fmt: skip
        if encoding.notice and epoch == 0:
            job.log.say(encoding.notice)
        found |= dict(zip(those, encoding.examples, strict=True))
    return [found[key] for key in pool]
