"""Experts of one base whose changes to the weights are weighted by α and summed: SVF, LoRA and IA³.

A mixture's weight is linear in α (for SVF but for one scalar), so the parts of all experts are built once, and a
candidate of a search costs one weighted sum a matrix (Transformer², section 3.2).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

import torch
from torch import Tensor

from suite.core.errors import StepFailed
from suite.models.adapter import injected, merged_changes
from suite.models.artifact import Adapter, Artifact, Singular
from suite.models.backbone import Backbone
from suite.models.singular import factorise, fitting

LEAST: Final = 1e-6
"""A mixture of less than this in all is none."""


class Mixer(Protocol):
    """Experts that can be mixed."""

    names: tuple[str, ...]
    """The matrices that they change, in order."""

    def weights(self, alpha: Tensor) -> dict[str, Tensor]:
        """Weights (and biases) of a mixture by α [K], or [K, matrices]; the base's own are left out."""

    def artifact(self, alpha: Tensor) -> Artifact:
        """The mixture as an artifact of its own."""


def mixer_of(backbone: Backbone, experts: Sequence[Artifact]) -> Mixer:
    """What mixes these experts. Raises StepFailed if they do not go together."""
    singular = [expert for expert in experts if isinstance(expert, Singular)]
    adapters = [expert for expert in experts if isinstance(expert, Adapter)]
    if singular and len(singular) == len(experts):
        return SingularMixer(backbone, singular)
    if adapters and len(adapters) == len(experts) and {each.peft["peft_type"] for each in adapters} in _LINEAR:
        return AdapterMixer(backbone, adapters)
    raise StepFailed("a mixture is made of singular vectors, of LoRAs, or of IA³ vectors")


_LINEAR: Final = ({"LORA"}, {"IA3"})


class SingularMixer:
    """Experts by SVF, of one base over the same matrices: `W'(α) = rest + c(α) Σ αₖ Pₖ` with `Pₖ = U diag(s ⊙ mₖ) Vᵀ`.

    Masks are mixed after the sigmoid. With `renormalise`, c(α) keeps the sum of singular values: only proportions of α
    matter, and copies of an expert are that expert. Without it c is 1: copies are that expert where α sums to 1.
    """

    def __init__(self, backbone: Backbone, experts: Sequence[Singular]) -> None:
        """Decompose the matrices and build every expert's part. Raises StepFailed if experts do not go together."""
        self.experts = tuple(experts)
        first = self.experts[0]
        self.names = tuple(first.masks)
        shapes = [[(name, len(mask)) for name, mask in each.masks.items()] for each in self.experts]
        if any(each != shapes[0] for each in shapes) or len({each.renormalise for each in self.experts}) > 1:
            raise StepFailed("the experts of a mixture scale other matrices, ranks, or sums")
        self.renormalise = first.renormalise
        self._parts: dict[str, Tensor] = {}
        self._rest: dict[str, Tensor] = {}
        self._sums: dict[str, Tensor] = {}
        self._total: dict[str, float] = {}
        weights = dict(backbone.model.named_parameters())
        for name in self.names:
            weight = weights[name].detach()
            factors = factorise(weight, backbone.factors).cut(len(first.masks[name])).to(weight.device)
            if not all(fitting(factors.values, each.values[name]) for each in self.experts):
                raise StepFailed(f"an expert's '{name}' has other singular values than the base")
            left, right = factors.sides(weight)
            masks = torch.stack([each.masks[name] for each in self.experts]).to(weight.device)
            scaled = factors.values * masks
            self._parts[name] = torch.stack([(left * each) @ right for each in scaled])
            self._rest[name] = weight.float() - (left * factors.values) @ right
            self._sums[name] = scaled.sum(1)
            self._total[name] = float(factors.values.sum())

    def weights(self, alpha: Tensor) -> dict[str, Tensor]:
        """The weights of a mixture by α [K], or [K, matrices]; the base's own where α vanishes."""
        new: dict[str, Tensor] = {}
        for name, share in zip(self.names, _shares(alpha, self.names), strict=True):
            if float(share.sum()) < LEAST:
                continue
            share = share.to(self._sums[name].device)
            scale = self._total[name] / float(share @ self._sums[name]) if self.renormalise else 1.0
            new[name] = self._rest[name] + scale * torch.tensordot(share, self._parts[name], dims=1)
        return new

    def artifact(self, alpha: Tensor) -> Singular:
        """The mixture as singular vectors of its own."""
        first = self.experts[0]
        masks: dict[str, Tensor] = {}
        for name, share in zip(self.names, _shares(alpha, self.names), strict=True):
            mixed = (share[:, None] * torch.stack([each.masks[name] for each in self.experts])).sum(0)
            masks[name] = mixed if float(share.sum()) >= LEAST else torch.ones_like(first.masks[name])
        return Singular(masks, dict(first.values), self.renormalise)


class AdapterMixer:
    """Experts by LoRA or IA³: `W'(α) = W + Σ αₖ ΔWₖ`; a mixture is an adapter of the same kind."""

    def __init__(self, backbone: Backbone, experts: Sequence[Adapter]) -> None:
        """Find what each expert adds to the weights. Raises StepFailed if experts do not go together."""
        if any(dict(each.peft) != dict(experts[0].peft) for each in experts):
            raise StepFailed("the adapters of a mixture have other settings than each other")
        if experts[0].peft.get("use_dora") or experts[0].peft.get("use_rslora"):
            raise StepFailed("of the kinds of LoRA, only the plain one can be mixed")
        self.experts = tuple(experts)
        self._base = {name: parameter.data for name, parameter in backbone.model.named_parameters()}
        changes = [_changes(backbone, expert) for expert in experts]
        self._parts = {name: torch.stack([each[name] for each in changes]) for name in changes[0]}
        self.names = tuple(dict.fromkeys(name.rpartition(".")[0] for name in self._parts))

    def weights(self, alpha: Tensor) -> dict[str, Tensor]:
        """The weights of a mixture by α [K], or [K, matrices]; the base's own where α vanishes."""
        new: dict[str, Tensor] = {}
        shares = dict(zip(self.names, _shares(alpha, self.names), strict=True))
        for name, parts in self._parts.items():
            share = shares[name.rpartition(".")[0]].to(parts.device)
            if float(share.sum()) >= LEAST:
                new[name] = self._base[name].float() + torch.tensordot(share, parts, dims=1)
        return new

    def artifact(self, alpha: Tensor) -> Adapter:
        """The mixture as an adapter: a LoRA of all ranks together, or one vector a module; nothing if α vanishes."""
        if float(alpha.sum()) < LEAST:
            return Adapter({}, self.experts[0].peft)
        shares = dict(zip(self.names, _shares(alpha, self.names), strict=True))
        state: dict[str, Tensor] = {}
        for key in self.experts[0].state:
            path = key.removeprefix("base_model.model.")
            share = next(each for name, each in shares.items() if path.startswith(f"{name}."))
            tensors = [expert.state[key] for expert in self.experts]
            if "lora_A" in key:
                state[key] = torch.cat(tensors, 0)
            elif "lora_B" in key:
                state[key] = torch.cat([float(a) * each for a, each in zip(share, tensors, strict=True)], 1)
            else:
                state[key] = 1 + torch.stack(
                    [float(a) * (each - 1) for a, each in zip(share, tensors, strict=True)]
                ).sum(0)
        return Adapter(state, _widened(self.experts[0].peft, len(self.experts)))


def _changes(backbone: Backbone, expert: Adapter) -> dict[str, Tensor]:
    """What an adapter adds to each weight, and to the biases that it changes, float32."""
    with injected(backbone.model, expert.peft, expert.state):
        changes = merged_changes(backbone.model)
        return {name: each for name, _, each in changes if name.endswith(".weight") or bool(each.any())}


def _widened(settings: Mapping[str, Any], count: int) -> dict[str, Any]:
    """A LoRA's settings with `count` times the rank and the same scale."""
    if settings["peft_type"] != "LORA":
        return dict(settings)
    return {**settings, "r": count * settings["r"], "lora_alpha": count * settings["lora_alpha"]}


def _shares(alpha: Tensor, names: Sequence[str]) -> Sequence[Tensor]:
    """α [K] for each matrix."""
    return list(alpha.T) if alpha.ndim == 2 else [alpha] * len(names)
