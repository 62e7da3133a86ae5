"""What a trainable set can be optimised for: the likelihood of right answers, or the reward of its own."""

from __future__ import annotations

from dataclasses import replace

from suite.training.config import Optimisation
from suite.training.job import Job
from suite.training.loop import Fit
from suite.training.reinforce import train_by_reward
from suite.training.supervised import train_supervised
from suite.training.trainable import Trainable


def optimise(config: Optimisation, job: Job, trainable: Trainable) -> Fit:
    """Train as `config.objective` says, on as many examples as `config.examples` says."""
    if config.examples is not None:
        few = [replace(each, examples=each.few(config.examples, job.seed)) for each in job.examples]
        job = replace(job, examples=tuple(few))
    train = train_by_reward if config.objective == "reinforce" else train_supervised
    return train(config, job, trainable)
