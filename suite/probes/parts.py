"""The part of the model that each trained parameter belongs to; gradient alignment is grouped by it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from suite.core.curves import OfPart
from suite.models.backbone import Backbone
from suite.probes.architecture import Architecture, architecture_of
from suite.training.trainable import Trainable


@dataclass(frozen=True)
class TrainedParts:
    """Parts of trained parameters by name, and the parameters whose part is unclear."""

    parts: Mapping[str, OfPart]
    unknown: tuple[str, ...]
    reason: str = "how the model computes does not show their part"

    @property
    def notice(self) -> str | None:
        """A notice for the user in one line; None if all parts are known."""
        if not self.unknown:
            return None
        count = f"{len(self.unknown)} of {len(self.unknown) + len(self.parts)} trained tensors"
        return f"gradient alignment leaves out {count}, {self.unknown[0]} among them: {self.reason}"


def trained_parts(trainable: Trainable, backbone: Backbone, targets: int) -> TrainedParts:
    """Find the part of each trained parameter: before the text, added to a module, or in the base model (the same
    parameter or the same name)."""
    before = _before_text(trainable, backbone, targets)
    try:
        architecture = architecture_of(backbone.model)
    except Exception as error:  # another kind of model may not support these calls
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        found = {name: OfPart("prompt") for name in before}
        return TrainedParts(found, _rest(trainable, found), f"the model's parts cannot be traced ({reason})")
    parts = {name: OfPart("prompt") for name in before}
    owners = {id(own): each for each in reversed(list(architecture.paths)) for own in each.parameters(recurse=False)}
    of_base = {id(parameter) for parameter in backbone.content}
    for name, parameter in trainable.parameters.items():
        if name in parts:
            continue
        owner = owners.get(id(parameter)) or _named(name, architecture)
        if owner is None:
            continue
        added = id(parameter) in owners and id(parameter) not in of_base
        part = OfPart("adapter", architecture.layer_of(owner)) if added else architecture.part_of(owner)
        if part is not None:
            parts[name] = part
    return TrainedParts(parts, _rest(trainable, parts))


def _rest(trainable: Trainable, parts: Mapping[str, OfPart]) -> tuple[str, ...]:
    return tuple(name for name in trainable.parameters if name not in parts)


def _before_text(trainable: Trainable, backbone: Backbone, targets: int) -> set[str]:
    """Names of the parameters from which a soft prompt or a prefix is computed."""
    names = set[str]()
    with torch.enable_grad():
        for index in range(targets):
            model = trainable.adapted(backbone, index)
            vectors = [each for each in (model.soft, model.prefix) if each is not None and each.requires_grad]
            names |= _used(trainable.parameters, vectors)
    return names


def _used(parameters: Mapping[str, nn.Parameter], tensors: list[Tensor]) -> set[str]:
    if not tensors:
        return set()
    gradients = torch.autograd.grad([each.sum() for each in tensors], list(parameters.values()), allow_unused=True)
    return {name for name, gradient in zip(parameters, gradients, strict=True) if gradient is not None}


def _named(name: str, architecture: Architecture) -> nn.Module | None:
    """The module whose weight has this name, even if another tensor has replaced it."""
    path, _, last = name.rpartition(".")
    found = next((module for module, other in architecture.paths.items() if other == path), None)
    return found if path and isinstance(getattr(found, last, None), Tensor) else None
