"""Prefix tuning: trained keys and values before the text in every attention layer (Li and Liang, ACL 2021).

The prefix applies to the targets only, as a soft prompt does; the base model answers every other task unchanged. The
text's positions follow the prefix. With a projection, an encoder computes the prefix in training, and only the prefix
is kept.

Deviations, as in PEFT: an encoder-decoder has the prefix in the decoder's self-attention only; the paper's is also in
the encoder and in cross-attention. Initial values are random; the paper prefers activations of real words if there are
few data.

Deviation from PEFT 0.21: each layer of an encoder-decoder has its own vectors. In PEFT, layer i takes the vectors at
index 2i, modulo their number, so that half of the vectors have no effect.
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
    """Number of keys and values in each layer (the paper's for table-to-text); each takes one position."""
    projection: Count | None = None
    """Width of the hidden layer of an encoder that computes the prefix in training (the paper's is 512); null: train
    keys and values directly."""
    learning_rate: Positive = 1e-2
    """Peak learning rate."""


def requirements(config: Config) -> Requirements:
    """Positions for the prefix, and gradient steps."""
    return optimisation_requirements(config, reserved_positions=config.length, sharding="base")


def train(config: Config, job: Job) -> Trained:
    """Train the prefix. Gradients of the weights are not computed."""
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
