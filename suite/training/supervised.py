"""A supervised train step for any trainable set: examples to ids, batches, the loop, and selection on a stack."""

from __future__ import annotations

from itertools import count
from random import Random

from suite.hashing import seed_of
from suite.training.batches import Batches
from suite.training.config import Optimisation
from suite.training.examples import encode
from suite.training.job import Job
from suite.training.loop import Fit, fit
from suite.training.losses import answer_loss
from suite.training.trainable import Trainable


def train_supervised(config: Optimisation, job: Job, trainable: Trainable) -> Fit:
    """Fit parameters to the job's examples by next-token loss on the answers. Examples of all targets are mixed."""
    budget, backbone = job.terms(config), job.backbone
    texts = [example for each in job.examples for example in each.examples]
    wanted = budget.steps * budget.batch_size
    if len(texts) > wanted:  # less than an epoch: encode no more than is trained on
        texts = Random(seed_of(job.seed, "part of an epoch")).sample(texts, wanted)
    taken = {"soft_length": trainable.soft_length, "prefix_length": trainable.prefix_length}
    encoding = encode(backbone, texts, max_length=budget.max_length, **taken)
    if encoding.notice:
        job.log.say(encoding.notice)
    batches = Batches(backbone, encoding.examples, batch_size=budget.batch_size, seed=job.seed)
    looks = count()
    return fit(
        backbone.model,
        trainable.parameters,
        lambda batch: answer_loss(trainable.now(backbone), batch, budget.label_smoothing),
        batches,
        budget,
        seed=job.seed,
        # parameters change between two looks, so their stacks must not be taken for the same
        score=lambda: job.selection(trainable.now(backbone, f"in training, look {next(looks)}")),
        checkpoint=job.checkpoint,
        log=job.log,
    )
