"""Training all of a model's weights, with or without a frozen soft prompt before every input."""

from __future__ import annotations

import torch
from torch import Tensor

from suite.models.artifact import Weights
from suite.models.stack import swapped
from suite.training.config import Optimisation
from suite.training.job import Job, Trained
from suite.training.objectives import optimise
from suite.training.trainable import Trainable


def train_weights(config: Optimisation, job: Job, *, prompt: Tensor | None) -> Trained:
    """Train a float32 copy of every parameter in the backbone's place; the backbone's own tensors are untouched.

    `prompt` [P, d] stands before each input and is not trained. The artifact holds the tensors that changed, in the
    backbone's type.
    """
    model = job.backbone.model
    base = {name: parameter.data for name, parameter in model.named_parameters()}
    vectors = None if prompt is None else prompt.detach().to(job.backbone.device)
    # bfloat16 would swallow small steps: 1 + 0.003 is 1
    copies = {name: tensor.to(torch.float32, copy=True) for name, tensor in base.items()}
    with swapped(model, copies, cast=False) as parameters:
        del copies  # the parameters hold them now, and restoring frees them
        soft = None if vectors is None else lambda: vectors
        fit = optimise(config, job, Trainable(parameters, lambda: swapped(model, base), soft))
    best = {name: tensor.to(base[name].dtype) for name, tensor in fit.best.items()}
    changed = {name: tensor for name, tensor in best.items() if not torch.equal(tensor, base[name].cpu())}
    return Trained(Weights(changed), fit, sum(tensor.numel() for tensor in base.values()))
