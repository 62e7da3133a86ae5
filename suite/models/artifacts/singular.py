"""Masks over the singular values of some matrices (SVF), and mixtures of them (Transformer²)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor
from typing_extensions import Self

from suite.core.errors import StepFailed
from suite.models import svf_types
from suite.models.artifacts import Mixer, ParameterArtifact, register
from suite.models.artifacts._shares import LEAST, shares
from suite.models.backbone import Backbone
from suite.models.singular import Factors, each_composed, factorise, fitting


@register
@dataclass(frozen=True, eq=False)
class Singular(ParameterArtifact):
    """Masks over the singular values of some matrices (`suite.models.singular`)."""

    kind: ClassVar[str] = "singular"
    order: ClassVar[int] = 20
    masks: Mapping[str, Tensor]
    """Masks m [r] by the names of the weights, float32, as they are applied."""
    values: Mapping[str, Tensor]
    """The base model's singular values [r] in training, to recognise the base again."""
    renormalise: bool
    """Whether the sum of a matrix's singular values is kept."""

    @property
    def tensors(self) -> Mapping[str, Tensor]:
        """Masks and values of each matrix."""
        parts = {"mask": self.masks, "values": self.values}
        return {f"{name}|{part}": tensor for part, group in parts.items() for name, tensor in group.items()}

    @property
    def settings(self) -> Mapping[str, Any]:
        """Whether the sum of singular values is kept."""
        return {"renormalise": self.renormalise}

    @classmethod
    def from_saved(cls, tensors: Mapping[str, Tensor], settings: Mapping[str, Any]) -> Self:
        """The masks and values. Raises ValueError unless each matrix has both, in float32."""
        groups: dict[str, dict[str, Tensor]] = {"mask": {}, "values": {}}
        for key, tensor in tensors.items():
            name, _, part = key.rpartition("|")
            groups.setdefault(part, {})[name] = tensor
        masks, values = groups["mask"], groups["values"]
        whole = len(groups) == 2 and masks.keys() == values.keys() and isinstance(settings.get("renormalise"), bool)
        if not whole or any(tensor.dtype != torch.float32 for tensor in tensors.values()):
            raise ValueError("a mask and singular values, in float32, of each matrix are expected")
        return cls(masks, values, settings["renormalise"])

    @property
    def neutral(self) -> bool:
        """Whether all factors are 1: a search may find that no expert helps."""
        return all(bool((mask == 1.0).all()) for mask in self.masks.values())

    @property
    def parameters(self) -> int:
        """Number of trained parameters."""
        return sum(mask.numel() for mask in self.masks.values())

    def new_values(self, backbone: Backbone) -> Mapping[str, Tensor]:
        """The matrices with their singular values scaled."""
        return dict(self.each_new_value(backbone))

    def each_new_value(self, backbone: Backbone) -> Iterator[tuple[str, Tensor]]:
        """The matrices one by one, each composed when the one before is in place."""
        masks, values = self.masks, self.values
        yield from each_composed(backbone.model, masks, values, renormalise=self.renormalise, cache=backbone.factors)

    @classmethod
    def mixer(cls, backbone: Backbone, experts: Sequence[Self]) -> Mixer:
        """The mixer of these experts."""
        return SingularMixer(backbone, experts)


class SingularMixer:
    """Mixtures of SVF experts of one base over the same matrices.

    `W'(α) = W + U diag(σ(α) − s) Vᵀ` with `σ(α) = c(α) Σ αₖ s ⊙ mₖ`. Masks are mixed after the sigmoid. With
    `renormalise`, c(α) keeps the sum of singular values: only the proportions of α matter, and a mixture of copies of
    an expert is that expert. Without it c is 1: such a mixture is that expert if α sums to 1.

    Of small models, each expert's product is computed once and stored, and a mixture is their sum. Of large ones
    (`svf_types.STORED`), a mixture takes one product for each matrix, and nothing is stored but the factors.
    """

    def __init__(self, backbone: Backbone, experts: Sequence[Singular]) -> None:
        """Decompose the matrices. Raises StepFailed if the experts cannot be mixed."""
        self.experts = tuple(experts)
        first = self.experts[0]
        self.names = tuple(first.masks)
        shapes = [[(name, len(mask)) for name, mask in each.masks.items()] for each in self.experts]
        if any(each != shapes[0] for each in shapes) or len({each.renormalise for each in self.experts}) > 1:
            raise StepFailed("the experts of a mixture scale other matrices, ranks, or sums")
        self.renormalise = first.renormalise
        weights = dict(backbone.model.named_parameters())
        self._weights = {name: weights[name].detach() for name in self.names}
        self._factors: dict[str, Factors] = {}
        self._scaled: dict[str, Tensor] = {}
        for name, weight in self._weights.items():
            factors = factorise(weight, backbone.factors).cut(len(first.masks[name])).to(weight.device)
            if not all(fitting(factors.values, each.values[name]) for each in self.experts):
                raise StepFailed(f"an expert's '{name}' has other singular values than the base")
            masks = torch.stack([each.masks[name] for each in self.experts]).to(weight.device)
            self._factors[name], self._scaled[name] = factors, factors.values * masks
        numbers = sum(weight.numel() for weight in self._weights.values()) * (len(self.experts) + 1)
        self._stores = 4 * numbers < svf_types.STORED
        self._products: dict[str, tuple[Tensor, Tensor]] = {}

    def weights(self, alpha: Tensor) -> dict[str, Tensor]:
        """The weights of a mixture for α [K] or [K, matrices]; matrices whose α vanishes are left out."""
        new: dict[str, Tensor] = {}
        for name, share in zip(self.names, shares(alpha, self.names), strict=True):
            if float(share.sum()) < LEAST:
                continue
            scaled, values = self._scaled[name], self._factors[name].values
            share = share.to(scaled.device)
            scale = float(values.sum()) / float(share @ scaled.sum(1)) if self.renormalise else 1.0
            if self._stores:
                rest, parts = self._stored(name)
                new[name] = rest + scale * torch.tensordot(share, parts, dims=1)
            else:
                weight = self._weights[name]
                left, right = self._factors[name].sides(weight)
                mixed = weight.float() + (left * (scale * (share @ scaled) - values)) @ right
                new[name] = mixed.to(weight.dtype)
        return new

    def _stored(self, name: str) -> tuple[Tensor, Tensor]:
        """What a matrix is without its factors [out, in], and each expert's product [K, out, in]."""
        if name not in self._products:
            weight = self._weights[name]
            left, right = self._factors[name].sides(weight)
            parts = torch.stack([(left * each) @ right for each in self._scaled[name]])
            self._products[name] = (weight.float() - (left * self._factors[name].values) @ right, parts)
        return self._products[name]

    def artifact(self, alpha: Tensor) -> Singular:
        """The mixture as one set of masks."""
        first = self.experts[0]
        masks: dict[str, Tensor] = {}
        for name, share in zip(self.names, shares(alpha, self.names), strict=True):
            mixed = (share[:, None] * torch.stack([each.masks[name] for each in self.experts])).sum(0)
            masks[name] = mixed if float(share.sum()) >= LEAST else torch.ones_like(first.masks[name])
        return Singular(masks, dict(first.values), self.renormalise)
