"""PEFT adapters that are injected into the model's modules (LoRA, IA³ …), and mixtures of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final

import torch
from torch import Tensor
from typing_extensions import Self

from suite.core.errors import StepFailed
from suite.models.adapted import AdaptedModel, Change, Replaced, Suspension, same_bits
from suite.models.adapter import adapter_state, disabled, injected, is_active, merged_changes
from suite.models.artifacts import PEFT_TASKS, Artifact, Mixer, PeftFiles, register
from suite.models.artifacts._shares import LEAST, shares
from suite.models.backbone import Backbone

LINEAR: Final = ({"LORA"}, {"IA3"})
"""PEFT types whose updates are additive, so that they can be weighted and summed."""
OUTER: Final = "base_model.model."
"""What the names of an adapter's tensors begin with in PEFT's files."""


@register
@dataclass(frozen=True, eq=False)
class Adapter(Artifact):
    """A PEFT adapter that is injected into the model's modules."""

    kind: ClassVar[str] = "adapter"
    order: ClassVar[int] = 30
    state: Mapping[str, Tensor]
    """PEFT's state of the adapter, without the adapter's name."""
    peft: Mapping[str, Any]
    """PEFT's configuration as JSON."""

    @property
    def tensors(self) -> Mapping[str, Tensor]:
        """PEFT's state."""
        return self.state

    @property
    def settings(self) -> Mapping[str, Any]:
        """PEFT's configuration."""
        return self.peft

    @classmethod
    def from_saved(cls, tensors: Mapping[str, Tensor], settings: Mapping[str, Any]) -> Self:
        """The adapter of a state and a configuration. Whether they fit is checked on the model."""
        return cls(tensors, settings)

    @property
    def neutral(self) -> bool:
        """True for an empty mixture, which has no state; a trained adapter always has one."""
        return not self.state

    @contextmanager
    def apply(self, to: AdaptedModel) -> Iterator[AdaptedModel]:
        """Inject it into the model's modules."""
        with injected(to.backbone.model, self.peft, self.state) as own:
            yield replace(to, added=(*to.added, *own.values()))

    def suspended(self, model: AdaptedModel) -> Suspension:
        """Disable it."""
        return disabled(model.model)

    def is_held(self, model: AdaptedModel, replaced: Sequence[Replaced]) -> bool:
        """Whether exactly this state is injected and active."""
        state = adapter_state(model.model)
        same = set(state) == set(self.state) and all(same_bits(state[name], self.state[name]) for name in state)
        return same and is_active(model.model)

    def changes(self, model: AdaptedModel, replaced: Sequence[Replaced]) -> Iterator[Change]:
        """The changes that merging it would make to each weight."""
        for path, weight, change in merged_changes(model.model):
            yield model.model.get_submodule(path.rpartition(".")[0]), weight, change

    def for_peft(self, backbone: Backbone) -> PeftFiles:
        """The same tensors under the names of PEFT's files."""
        settings = {**self.peft, "task_type": PEFT_TASKS[backbone.shape], "inference_mode": True}
        return PeftFiles(settings, {f"{OUTER}{name.removeprefix(OUTER)}": each for name, each in self.state.items()})

    @classmethod
    def mixer(cls, backbone: Backbone, experts: Sequence[Self]) -> Mixer:
        """The mixer of these adapters. Raises StepFailed unless all are LoRA or all are IA³."""
        if {each.peft["peft_type"] for each in experts} not in LINEAR:
            raise StepFailed("of adapters, LoRAs or IA³ can be mixed")
        return AdapterMixer(backbone, experts)


class AdapterMixer:
    """Mixtures of LoRA or IA³ experts: `W'(α) = W + Σ αₖ ΔWₖ`. A mixture is an adapter of the same kind."""

    def __init__(self, backbone: Backbone, experts: Sequence[Adapter]) -> None:
        """Compute each expert's change to the weights. Raises StepFailed if the experts cannot be mixed."""
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
        """The weights of a mixture for α [K] or [K, matrices]; matrices whose α vanishes are left out."""
        new: dict[str, Tensor] = {}
        by_name = dict(zip(self.names, shares(alpha, self.names), strict=True))
        for name, parts in self._parts.items():
            share = by_name[name.rpartition(".")[0]].to(parts.device)
            if float(share.sum()) >= LEAST:
                new[name] = self._base[name].float() + torch.tensordot(share, parts, dims=1)
        return new

    def artifact(self, alpha: Tensor) -> Adapter:
        """The mixture as an adapter: a LoRA of all ranks together, or one vector for each module; empty if α
        vanishes."""
        if float(alpha.sum()) < LEAST:
            return Adapter({}, self.experts[0].peft)
        by_name = dict(zip(self.names, shares(alpha, self.names), strict=True))
        state: dict[str, Tensor] = {}
        for key in self.experts[0].state:
            path = key.removeprefix("base_model.model.")
            share = next(each for name, each in by_name.items() if path.startswith(f"{name}."))
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
    """The changes that an adapter makes to each weight and each bias that it changes, float32."""
    with injected(backbone.model, expert.peft, expert.state):
        changes = merged_changes(backbone.model)
        return {name: each for name, _, each in changes if name.endswith(".weight") or bool(each.any())}


def _widened(settings: Mapping[str, Any], count: int) -> dict[str, Any]:
    """A LoRA's settings with `count` times the rank and the same scale."""
    if settings["peft_type"] != "LORA":
        return dict(settings)
    return {**settings, "r": count * settings["r"], "lora_alpha": count * settings["lora_alpha"]}
