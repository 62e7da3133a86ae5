"""Train all of a model's weights, with or without frozen artifacts of a first stage."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import replace

import torch
from torch import Tensor, nn

from suite.core.errors import StepFailed
from suite.models.adapted import AdaptedModel
from suite.models.artifacts import Artifact
from suite.models.artifacts.joint import Joint
from suite.models.artifacts.weights import Weights
from suite.models.offload import file_bytes, offloaded
from suite.training.config import Optimisation, precision_of
from suite.training.job import Job, Trained
from suite.training.objectives.optimise import optimise
from suite.training.prompts import FlatPrompt
from suite.training.shards import values_here, with_values
from suite.training.trainable import Trainable, in_place

PROMPT = "soft prompt"


def train_weights(
    config: Optimisation,
    job: Job,
    *,
    frozen: Sequence[Artifact] = (),
    joint: FlatPrompt | None = None,
    only: Callable[[str], bool] = lambda name: True,
) -> Trained:
    """Train in a copy of the model's parameters: in float32 unless `config.precision` says otherwise, as bfloat16 loses
    small steps (1 + 0.003 is 1) if it is rounded to nearest. The backbone's own values stay unchanged.

    `frozen` artifacts are in effect for the targets and are not trained: one for each target if they stand before the
    text, otherwise a single one. A `joint` prompt stands before the inputs of all targets and is trained with the
    weights. The artifact holds the changed tensors, in the backbone's dtype. Scores in training are of the same rounded
    weights if the track computes in bf16, otherwise of the copies. `only` decides by its name whether a parameter is
    trained. Raises StepFailed if none is, or if an artifact cannot be frozen.
    """
    model = job.backbone.model
    parameters = {name: parameter for name, parameter in model.named_parameters() if only(name)}
    if not parameters:
        raise StepFailed("the model has no parameter that this method trains")
    every = dict(model.named_parameters())
    trained = dict(parameters)
    if joint is not None:
        trained[PROMPT] = joint.flat
    dtype = torch.bfloat16 if precision_of(config) == "bf16" else torch.float32
    # a layer needs all its tensors in one dtype
    converted = {name: each for name, each in every.items() if name in parameters or each.dtype != dtype}
    dtypes = {name: each.dtype for name, each in converted.items()}
    read_often = config.rewarded and config.reinforce.kl > 0
    with _copied(converted, dtype, job, stay=read_often) as base, _in_effect(job, frozen) as models:

        @contextmanager
        def as_base() -> Iterator[None]:
            def value(name: str, now: Tensor) -> Tensor:
                return values_here(model, base[name]).to(now.device)

            with with_values(model, converted, value), _suspended(frozen, models):
                yield

        @contextmanager
        def as_artifact() -> Iterator[None]:
            with with_values(model, converted, lambda name, now: now.to(dtypes[name])):
                yield

        @contextmanager
        def elsewhere(current: AdaptedModel) -> Iterator[AdaptedModel]:
            with _suspended(frozen, models):
                yield current

        adapt = joint.adapt if joint is not None else _with_frozen(models) if models else in_place
        rounding = as_artifact if job.budget.precision == "bf16" else nullcontext
        kind = Weights if joint is None else Joint
        fit = optimise(config, job, Trainable(trained, as_base, adapt, elsewhere, kind, rounding))
    best = {name: fit.best[name].to(every[name].dtype) for name in parameters}
    changed = {name: tensor for name, tensor in best.items() if not torch.equal(tensor, every[name].detach().cpu())}
    count = sum(parameter.numel() for parameter in trained.values())
    if joint is None:
        return Trained(Weights(changed), fit, count)
    return Trained(Joint(fit.best[PROMPT].view(joint.shape), changed), fit, count)


@contextmanager
def _copied(
    parameters: Mapping[str, nn.Parameter], dtype: torch.dtype, job: Job, *, stay: bool
) -> Iterator[Mapping[str, Tensor]]:
    """Let parameters be copies of their values temporarily, in a dtype; yields the values before, by name.

    These are away from the device meanwhile, unless they `stay`.
    """
    values = {name: parameter.data for name, parameter in parameters.items()}
    devices = {name: value.device for name, value in values.items()}
    if not stay:
        if job.disk is not None and (needed := file_bytes(values)):
            job.disk.require(needed, "a copy of the weights")
        values = offloaded(values, job.checkpoint, copy=False)
    in_file = not stay and file_bytes(values) > 0
    try:
        for parameter in parameters.values():
            parameter.data = parameter.data.to(dtype, copy=True)
        yield values
    finally:
        for name, parameter in parameters.items():
            parameter.data = values[name].to(devices[name], copy=in_file)


@contextmanager
def _in_effect(job: Job, artifacts: Sequence[Artifact]) -> Iterator[list[AdaptedModel]]:
    """One model for each artifact, with that artifact in effect and frozen."""
    if len(artifacts) > 1 and not all(each.only_before_text for each in artifacts):
        raise StepFailed("several artifacts cannot be in one model at once: only what stands before the text can")
    base = AdaptedModel(job.backbone, job.backbone.model)
    with ExitStack() as undo:
        models = [undo.enter_context(each.apply(base)) for each in artifacts]
        for parameter in (own for each in models for own in each.added):
            parameter.requires_grad_(False)
        yield models


@contextmanager
def _suspended(artifacts: Sequence[Artifact], models: Sequence[AdaptedModel]) -> Iterator[None]:
    """The model as it answers without the artifacts."""
    with ExitStack() as undo:
        for artifact, model in zip(artifacts, models, strict=True):
            undo.enter_context(artifact.suspended(model))
        yield


def _with_frozen(models: Sequence[AdaptedModel]) -> Callable[[AdaptedModel, int], AdaptedModel]:
    """A function that returns the model with its frozen artifact: one for each target, or one for all."""

    def adapt(model: AdaptedModel, target_index: int) -> AdaptedModel:
        return replace(models[target_index if len(models) > 1 else 0], artifacts=model.artifacts)

    return adapt
