"""Training all of a model's weights, with or without frozen artifacts of a first stage in effect."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack

import torch
from torch import Tensor

from suite.models.adapter import as_it_was, disabled, injected
from suite.models.artifact import Adapter, Joint, Weights
from suite.models.stack import swapped
from suite.training.config import Optimisation
from suite.training.job import Job, Trained
from suite.training.objectives.optimise import optimise
from suite.training.prompts import FlatPrompt
from suite.training.trainable import Trainable

PROMPT = "soft prompt"


def train_weights(
    config: Optimisation,
    job: Job,
    *,
    prompts: Sequence[Tensor] = (),
    adapter: Adapter | None = None,
    joint: FlatPrompt | None = None,
) -> Trained:
    """Train a float32 copy of every parameter in the backbone's place; the backbone's own tensors are untouched.

    `prompts` [P, d] stand before the inputs of each target and are not trained, nor is the `adapter`, which is in
    effect for the targets; a `joint` prompt stands before the inputs of all targets and is trained along. The artifact
    holds the tensors that changed, in the backbone's type.
    """
    model, device = job.backbone.model, job.backbone.device
    parameters = dict(model.named_parameters())
    base = {name: parameter.data for name, parameter in parameters.items()}
    vectors = [prompt.detach().to(device) for prompt in prompts]
    soft: Callable[[int], Tensor] | None = None if not vectors else lambda place: vectors[place]
    trained = dict(parameters)
    if joint is not None:
        soft, trained[PROMPT] = lambda place: joint.vectors(), joint.flat
    # bfloat16 would swallow small steps: 1 + 0.003 is 1
    copies = {name: tensor.to(torch.float32, copy=True) for name, tensor in base.items()}
    with swapped(model, copies, cast=False), ExitStack() as adapted:
        del copies  # the parameters hold them now, and restoring frees them
        if adapter is not None:
            for parameter in adapted.enter_context(injected(model, adapter.peft, adapter.state)).values():
                parameter.requires_grad_(False)
        trainable = Trainable(
            trained,
            lambda: as_it_was(model, parameters, base),
            soft,
            elsewhere=lambda: disabled(model),
        )
        fit = optimise(config, job, trainable)
    best = {name: fit.best[name].to(tensor.dtype) for name, tensor in base.items()}
    changed = {name: tensor for name, tensor in best.items() if not torch.equal(tensor, base[name].cpu())}
    count = sum(parameter.numel() for parameter in trained.values())
    if joint is None:
        return Trained(Weights(changed), fit, count)
    return Trained(Joint(fit.best[PROMPT].view(joint.shape), changed), fit, count)
