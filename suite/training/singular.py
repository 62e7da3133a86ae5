"""Train the masks of a model's singular values (SVF); everything else is frozen."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import torch
from torch import Tensor, nn

from suite.core.diagnostics import Spectra, Spectrum
from suite.core.errors import StepFailed
from suite.core.hashing import seed_of
from suite.models.adapted import AdaptedModel
from suite.models.artifacts.singular import Singular
from suite.models.backbone import Backbone
from suite.models.factored import FactoredMap, factored_map, factored_names, put_forward
from suite.models.linear_maps import covered, read_directly
from suite.models.singular import Factors, compose, factorise, masked, matrices, relative_change, scaled
from suite.models.svf_types import Mask
from suite.training.job import Job, Trained
from suite.training.loop import Fit
from suite.training.objectives.optimise import optimise
from suite.training.svf_config import Scaling
from suite.training.trainable import Trainable

MOST: Final = 0.9
"""A share of the layers' weights from which on a notice about the others is not needed."""


@dataclass
class Composition:
    """A model whose selected weights have scaled singular values: composed, or of large models `factored`."""

    modules: Mapping[str, nn.Module]
    """The modules by the names of their weights."""
    weights: Mapping[str, Tensor]
    """The base model's own weights, unchanged."""
    factors: Mapping[str, Factors]
    mask: Mask
    renormalise: bool
    direct: frozenset[str] = frozenset()
    """Names of weights that the model may use without calling their modules."""
    factored: Mapping[str, FactoredMap] = field(default_factory=dict)
    """Maps that are computed without composing their weights, by the names of these."""
    parameters: dict[str, nn.Parameter] = field(default_factory=dict)
    """Unbounded parameters p [r] by the names of the weights, float32."""
    _undo: list[Callable[[], object]] = field(default_factory=list)

    def compose(self) -> None:
        """Apply the current parameters, with a graph if gradients are enabled."""
        self.release()
        for name, module in self.modules.items():
            if name in self.factored:
                self._undo.append(put_forward(module, self._forward(name)))
            elif torch.is_grad_enabled() and name not in self.direct:
                # compose as late as possible: the backward pass then uses up a matrix's gradient before the next one
                # exists
                hook = module.register_forward_pre_hook(lambda module, _, name=name: self._put(name))
                self._undo.append(hook.remove)
            else:
                self._put(name)

    def adapt(self, model: AdaptedModel, target_index: int) -> AdaptedModel:
        """The model with weights composed from the current parameters."""
        self.compose()
        return model

    @contextmanager
    def base(self) -> Iterator[None]:
        """Let the model answer with its own weights. Call `compose` again afterwards."""
        self.release()
        for name, module in self.modules.items():
            _set_weight(module, self.weights[name])
        yield

    def release(self) -> None:
        """Stop composing and scaling when the model is called."""
        while self._undo:
            self._undo.pop()()

    def _put(self, name: str) -> None:
        scale = masked(self.parameters[name], self.mask)
        new = compose(self.weights[name], self.factors[name], scale, renormalise=self.renormalise)
        _set_weight(self.modules[name], new)

    def _forward(self, name: str) -> Callable[[Tensor], Tensor]:
        """The map with the current parameters; if gradients are enabled, with those at each call."""
        current = self.factored[name]
        if torch.is_grad_enabled():
            return lambda inputs: current(inputs, self._change(name))
        change = self._change(name)
        return lambda inputs: current(inputs, change)

    def _change(self, name: str) -> Tensor:
        scale = masked(self.parameters[name], self.mask)
        return relative_change(self.factors[name], scale, renormalise=self.renormalise)


@contextmanager
def composing(
    model: nn.Module, factors: Mapping[str, Factors], start: Mapping[str, Tensor], *, mask: Mask, renormalise: bool
) -> Iterator[Composition]:
    """Replace some weights of a model by composed ones; on exit the original parameter objects are restored."""
    modules = {name: model.get_submodule(name.rpartition(".")[0]) for name in factors}
    before: dict[str, dict[str, Any]] = {name: dict(module._parameters) for name, module in modules.items()}
    weights = {name: parameters["weight"].data for name, parameters in before.items()}
    parameters = {name: nn.Parameter(values.clone()) for name, values in start.items()}
    try:
        direct = frozenset(f"{path}.weight" for path in read_directly(model))
        chosen = factored_names(model, factors)
        maps = {name: factored_map(modules[name], weights[name], factors[name]) for name in factors if name in chosen}
        for name, module in modules.items():
            del module._parameters["weight"]
            _set_weight(module, weights[name])
        made = Composition(modules, weights, factors, mask, renormalise, direct, maps, parameters)
        with torch.no_grad():
            made.compose()
        try:
            yield made
        finally:
            made.release()
    finally:
        for name, module in modules.items():
            vars(module).pop("weight", None)
            module._parameters.clear()  # cleared and filled again to keep their order
            module._parameters.update(before[name])


def _set_weight(module: nn.Module, weight: Tensor) -> None:
    vars(module)["weight"] = weight


def train_singular(config: Scaling, job: Job) -> Trained:
    """Train the masks of a model's singular values for the objective of `config`."""
    backbone = job.backbone
    names = matrices(backbone.model, config.matrices)
    share = covered(backbone.model, names)
    if config.matrices == "all" and share < MOST:
        others = "the others (such as experts) are no linear maps"
        job.log.say(f"SVF scales {100 * share:.0f} % of the layers' weights; {others}")
    factors = factors_of(backbone, names, config.rank)
    generator = torch.Generator().manual_seed(seed_of(job.seed, "singular vectors"))
    start = {
        name: (config.start + config.spread * torch.randn(len(each.values), generator=generator)).to(backbone.device)
        for name, each in factors.items()
    }
    with composing(backbone.model, factors, start, mask=config.mask, renormalise=config.renormalise) as made:
        fit = optimise(config, job, Trainable(made.parameters, made.base, made.adapt, kind=Singular))
    masks = {name: masked(fit.best[name], config.mask) for name in names}
    values = {name: each.values.cpu() for name, each in factors.items()}
    trained = sum(mask.numel() for mask in masks.values())
    artifact = Singular(masks, values, config.renormalise)
    return Trained(artifact, fit, trained, (spectra(artifact),))


def factors_of(backbone: Backbone, names: Iterable[str], rank: int | None) -> dict[str, Factors]:
    """The factors that training needs of these weights, on the backbone's device.

    Of weights that are not composed they are the vectors of one side, in the weight's dtype: products are computed in
    it. To compose a weight takes float32.
    """
    chosen, found = factored_names(backbone.model, names), dict[str, Factors]()
    for name in names:
        weight = backbone.model.get_parameter(name)
        factors = factorise(weight, backbone.factors).cut(rank)
        composed = name not in chosen
        found[name] = factors.to(backbone.device) if composed else factors.lean().to(backbone.device, weight.dtype)
    return found


def spectra(artifact: Singular) -> Spectra:
    """How each matrix's singular values were scaled."""
    return Spectra(matrices=tuple(_spectrum(name, artifact) for name in artifact.masks))


def _spectrum(name: str, artifact: Singular) -> Spectrum:
    values = artifact.values[name].cpu()
    new = scaled(values, artifact.masks[name].cpu(), renormalise=artifact.renormalise)
    factors = new / values.clamp(min=1e-12)
    tenths = [part for part in torch.arange(len(values)).tensor_split(10) if len(part)]
    return Spectrum(
        matrix=name,
        values=tuple(round(float(values[part].mean()), 5) for part in tenths),
        factors=tuple(round(float(factors[part].mean()), 5) for part in tenths),
        least=round(float(factors.min()), 5),
        most=round(float(factors.max()), 5),
    )


def transferred(job: Job, *, shuffled: bool = False) -> Trained:
    """The parent's masks for this model's singular values, `shuffled` within each matrix or not.

    Raises StepFailed if a matrix is missing or the shapes differ.
    """
    backbone, (parent,) = job.backbone, job.parents
    vectors = Singular.of(parent)
    weights = dict(backbone.model.named_parameters())
    values: dict[str, Tensor] = {}
    masks = dict(vectors.masks)
    for name, mask in vectors.masks.items():
        if name not in weights:
            raise StepFailed(f"the vectors do not fit this model: it has no matrix '{name}'")
        values[name] = factorise(weights[name], backbone.factors).cut(len(mask)).values.cpu()
        if len(values[name]) != len(mask):
            what = f"'{name}' has {len(values[name])} singular values, and {len(mask)} were trained"
            raise StepFailed(f"the vectors do not fit this model: {what}")
        if shuffled:
            generator = torch.Generator().manual_seed(seed_of(job.seed, "shuffled", name))
            masks[name] = mask[torch.randperm(len(mask), generator=generator).to(mask.device)]
    artifact = Singular(masks, values, vectors.renormalise)
    return Trained(artifact, Fit({}, 0, None, 0, 0, ()), 0, (spectra(artifact),))
