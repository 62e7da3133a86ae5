"""Prefix tuning: trained keys and values before the text in every attention layer (Li and Liang, ACL 2021).

The prefix is in effect for the targets only, as a soft prompt is; every other task is answered by the base model as it
is. Text stands at the positions behind the prefix. With a projection, an encoder is trained that makes the prefix, and
only the prefix is kept. Deviations, PEFT's: in an encoder-decoder the prefix is in the decoder's self-attention only
(the paper's is in the encoder and in cross-attention, too), and first values are random (the paper prefers activations
of real words where data are few). Deviation from PEFT 0.21: each layer of an encoder-decoder has vectors of its own
(there, layer i has those of place 2i, round and round, so that half of them have no effect).
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Final

from suite.methods import Family, prompt_tuning
from suite.training.config import Count, Optimisation, Positive
from suite.training.requirements import Requirements, optimisation_requirements

if TYPE_CHECKING:
    from suite.training.job import Job, Trained

FAMILY: Final[Family] = "prefix"
VERSION: Final = 1
TRAINS: Final = True
prerequisites, stack = prompt_tuning.prerequisites, prompt_tuning.stack


class Config(Optimisation):
    """Settings of prefix tuning."""

    length: Count = 10
    """Keys and values in each layer (the paper's for table-to-text); they take as many positions."""
    projection: Count | None = None
    """Width of the hidden layer of an encoder that makes the prefix in training (the paper's is 512); null: keys and
    values are trained themselves."""
    learning_rate: Positive = 1e-2
    """Peak learning rate."""


def requirements(config: Config) -> Requirements:
    """Positions for the prefix, and gradient steps."""
    return optimisation_requirements(config, reserved_positions=config.length)


def train(config: Config, job: Job) -> Trained:
    """Train the prefix; no gradient of a weight is computed."""
    from suite.models.artifacts.prefix import Prefix
    from suite.training.job import Trained
    from suite.training.objectives.optimise import optimise
    from suite.training.prefixes import TrainedPrefix
    from suite.training.trainable import Trainable

    prefix = TrainedPrefix(job.backbone, config.length, config.projection, job.seed)
    own = dict(prefix.named_parameters())
    fit = optimise(config, job, Trainable(own, nullcontext, prefix.adapt, elsewhere=nullcontext, kind=Prefix))
    prefix.load_state_dict(dict(fit.best))
    return Trained(Prefix(prefix.vectors().cpu()), fit, sum(parameter.numel() for parameter in own.values()))
