"""Make seeded batches from a train step's examples, encoded as in evaluation and mixed in the targets' ratio."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Protocol

from suite.core.errors import StepFailed, SuiteError
from suite.core.hashing import seed_of
from suite.models.backbone import Backbone
from suite.training.config import Optimisation, TrackBudget
from suite.training.data.batches import Batch, Batches, Mixed, shares
from suite.training.data.examples import Encoded, encode
from suite.training.data.exemplars import PromptedExample, with_exemplars
from suite.training.data.source import Source
from suite.training.data.training_set import TrainingSet


class Notices(Protocol):
    """A log for notices to the user."""

    def say(self, text: str) -> None:
        """Show a notice."""


class Positions(Protocol):
    """How many positions of an input precede its text (`suite.training.trainable.Trainable`)."""

    def reserved(self, backbone: Backbone, target_index: int) -> dict[str, int]:
        """The positions before the text of a target, as keyword arguments of `encode`."""


class Examined(Protocol):
    """The members of `suite.training.job.Job` that encoding examples uses."""

    @property
    def backbone(self) -> Backbone: ...  # noqa: D102
    @property
    def examples(self) -> tuple[TrainingSet, ...]: ...  # noqa: D102
    @property
    def budget(self) -> TrackBudget: ...  # noqa: D102
    @property
    def seed(self) -> int: ...  # noqa: D102
    @property
    def roles(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def log(self) -> Notices: ...  # noqa: D102


def batches_of(config: Optimisation, job: Examined, trainable: Positions, size: int) -> Source[Batch]:
    """The job's examples in batches: all targets pooled, or in the ratio of `config.mix`."""
    steps = config.steps
    pool = [(target_index, at) for target_index, each in enumerate(job.examples) for at in range(len(each.examples))]
    if config.mix is None:
        return _batches(config, job, trainable, pool, size, size * steps)
    sizes = shares(_weights(config.mix, job), size)
    return Mixed(
        [
            _batches(config, job, trainable, [each for each in pool if each[0] == target_index], part, part * steps)
            for target_index, part in enumerate(sizes)
        ]
    )


def _weights(mix: Mapping[str, float], job: Examined) -> list[float]:
    if set(mix) != set(job.roles):
        raise StepFailed(f"mix must name the targets, {', '.join(job.roles)}; it names {', '.join(mix)}")
    return [mix[role] for role in job.roles]


def _batches(
    config: Optimisation, job: Examined, trainable: Positions, pool: Sequence[tuple[int, int]], size: int, wanted: int
) -> Batches:
    """Batches of the examples in `pool`: (target, index among its examples)."""
    if len(pool) > wanted:  # less than an epoch: encode only the examples to train on
        pool = Random(seed_of(job.seed, "part of an epoch")).sample(pool, wanted)
    if not pool:
        raise SuiteError("there are no examples to train on")
    epochs = -(-wanted // len(pool)) if config.shots else 1  # without exemplars all epochs are equal
    encoded = [_encoded(config, job, trainable, pool, epoch) for epoch in range(epochs)]
    return Batches(job.backbone, *encoded, batch_size=size, seed=job.seed)


def _encoded(
    config: Optimisation, job: Examined, trainable: Positions, pool: Sequence[tuple[int, int]], epoch: int
) -> list[Encoded]:
    """Encode the examples as ids, in the order of the pool."""
    encoded: dict[tuple[int, int], Encoded] = {}
    for target_index, each in enumerate(job.examples):
        indices = [key for key in pool if key[0] == target_index]
        if not indices:
            continue
        prompted: list[PromptedExample] = with_exemplars(each, [at for _, at in indices], config.shots, job.seed, epoch)
        encoding = encode(
            job.backbone, prompted, max_length=job.budget.max_length, target_index=target_index,
            **trainable.reserved(job.backbone, target_index),
        )  # fmt: skip
        if encoding.notice and epoch == 0:
            job.log.say(encoding.notice)
        encoded |= dict(zip(indices, encoding.examples, strict=True))
    return [encoded[key] for key in pool]
