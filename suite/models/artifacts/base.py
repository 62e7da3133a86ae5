"""The base class of artifacts: saved tensors and settings, and how they are applied to a model.

Imports no torch, so that a method's module may define a kind beside its settings.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final, Protocol

from typing_extensions import Self

from suite.core.errors import StepFailed
from suite.core.hashing import canonical
from suite.models.artifact_files import RECORD, TENSORS

if TYPE_CHECKING:
    from torch import Tensor

    from suite.models.adapted import AdaptedModel, Change, Replaced, Suspension
    from suite.models.backbone import Backbone


PEFT_TASKS: Final = {"decoder": "CAUSAL_LM", "encoder-decoder": "SEQ_2_SEQ_LM"}
"""Shape of a model -> what PEFT calls it."""


@dataclass(frozen=True, eq=False)
class PeftFiles:
    """What `PeftModel.from_pretrained` reads from a folder."""

    settings: Mapping[str, Any]
    """`adapter_config.json`, without the name of the base model."""
    tensors: Mapping[str, Tensor]
    """`adapter_model.safetensors`."""


class Mixer(Protocol):
    """Mixes experts of one base model: their changes to the weights are weighted by α and summed.

    Each expert's change is computed once, so that a candidate of a search costs one weighted sum for each matrix.
    """

    names: tuple[str, ...]
    """The matrices that the experts change, in order."""

    def weights(self, alpha: Tensor) -> dict[str, Tensor]:
        """Weights (and biases) of a mixture for α [K] or [K, matrices]; unchanged ones are left out."""

    def artifact(self, alpha: Tensor) -> Artifact:
        """The mixture as an artifact of its own."""


@dataclass(frozen=True, eq=False)
class Artifact:
    """The result of a train step. `tensors` and `settings` determine its effect completely.

    A kind is a `register`ed subclass in its own module. It defines what is saved (`tensors`, `settings`, `from_saved`)
    and how it is applied (`apply`). A kind that only replaces values of the model's parameters extends
    `ParameterArtifact`, which needs only `new_values`.
    """

    kind: ClassVar[str]
    """Name of the kind in the artifact's record; unique."""
    order: ClassVar[int] = 0
    """Order of application: lower first. Kinds that wrap modules follow those that replace weights; kinds that stand
    before the text come last."""
    only_before_text: ClassVar[bool] = False
    """Whether the model itself stays unchanged: such artifacts can answer together in one model."""
    replaces_values: ClassVar[bool] = False
    """Whether its only effect is to replace values of the model's parameters."""

    @property
    def tensors(self) -> Mapping[str, Tensor]:
        """All tensors by name."""
        raise NotImplementedError

    @property
    def settings(self) -> Mapping[str, Any]:
        """Settings that applying it needs besides the tensors (JSON-able)."""
        return {}

    @classmethod
    def from_saved(cls, tensors: Mapping[str, Tensor], settings: Mapping[str, Any]) -> Self:
        """The artifact of saved tensors and settings. Raises ValueError if they are wrong."""
        raise NotImplementedError

    @contextmanager
    def apply(self, to: AdaptedModel) -> Iterator[AdaptedModel]:
        """Context manager: apply the artifact and yield the model; on exit the model is restored bit for bit.

        An artifact with parts applies these. Raises SuiteError if it does not fit the model.
        """
        if not self.parts:
            raise NotImplementedError(f"an artifact of the kind '{self.kind}' does not say how it is applied")
        with ExitStack() as undo:
            for part in sorted(self.parts.values(), key=lambda each: each.order):
                to = undo.enter_context(part.apply(to))
            yield to

    def suspended(self, model: AdaptedModel) -> Suspension:
        """Context manager in which the model answers without this artifact, which stays applied.

        Raises StepFailed for a kind that does not support this; it cannot be a frozen first stage of training.
        """
        raise StepFailed(f"an artifact of the kind '{self.kind}' cannot stay frozen while weights are trained")

    def is_held(self, model: AdaptedModel, replaced: Sequence[Replaced]) -> bool:
        """Whether the model holds exactly its values. `replaced` are the parameters that no later artifact replaced."""
        from suite.models.adapted import same_bits

        return all(same_bits(each.parameter.data, each.value) for each in replaced)

    def changes(self, model: AdaptedModel, replaced: Sequence[Replaced]) -> Iterator[Change]:
        """Its changes to the weights of the model's modules. An artifact without changes is rejected."""
        owners = {id(own): module for module in model.model.modules() for own in module.parameters(recurse=False)}
        for each in replaced:
            value = each.value.to(each.parameter.device, each.parameter.dtype)
            before = each.before.to(value.device)
            yield owners[id(each.parameter)], before, value.float() - before.float()

    def for_peft(self, backbone: Backbone) -> PeftFiles | None:
        """The same as PEFT loads it; None for a kind that PEFT does not have, which is saved as weights."""
        return None

    @classmethod
    def mixer(cls, backbone: Backbone, experts: Sequence[Self]) -> Mixer:
        """The mixer of experts of this kind. Raises StepFailed if they cannot be mixed."""
        raise StepFailed(f"artifacts of the kind '{cls.kind}' cannot be mixed")

    @property
    def neutral(self) -> bool:
        """Whether it leaves the base model exactly as it is."""
        return False

    @property
    def parts(self) -> Mapping[str, Artifact]:
        """The artifacts that it consists of, by name; {} for a simple artifact."""
        return {}

    @property
    def pieces(self) -> tuple[Artifact, ...]:
        """The artifacts to apply: its parts, or itself."""
        return tuple(self.parts.values()) or (self,)

    def part(self, name: str) -> Artifact:
        """One part. Raises StepFailed if there is none of this name."""
        if name not in self.parts:
            raise StepFailed(f"an artifact of the kind '{self.kind}' has no part '{name}'")
        return self.parts[name]

    @classmethod
    def of(cls, artifact: Artifact) -> Self:
        """The artifact, checked to be of this kind. Raises StepFailed if it is of another."""
        if isinstance(artifact, cls):
            return artifact
        raise StepFailed(f"an artifact of the kind '{cls.kind}' is needed, not one of the kind '{artifact.kind}'")

    @cached_property
    def hash(self) -> str:
        """SHA-256 of kind, settings, and each tensor's name, dtype, shape and bytes, sorted by name."""
        import torch

        digest = hashlib.sha256(f"{self.kind}\0{canonical(dict(self.settings))}\n".encode())
        for name, tensor in sorted(self.tensors.items()):
            digest.update(f"{name}\0{tensor.dtype}\0{tuple(tensor.shape)}\n".encode())
            digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
        return digest.hexdigest()

    @property
    def parameters(self) -> int:
        """How many numbers it holds."""
        return sum(tensor.numel() for tensor in self.tensors.values())

    def save(self, folder: Path, *, base: str, extra: Mapping[str, Any] | None = None) -> int:
        """Write both files and return the size of the tensors in bytes. The record is written last, so an incomplete
        artifact has none."""
        from safetensors.torch import save_file

        folder.mkdir(parents=True, exist_ok=True)
        record, tensors = folder / RECORD, folder / TENSORS
        record.unlink(missing_ok=True)
        part = tensors.with_suffix(".part")
        save_file({name: value.detach().cpu().contiguous() for name, value in sorted(self.tensors.items())}, part)
        os.replace(part, tensors)
        size = tensors.stat().st_size
        content: dict[str, Any] = {
            "kind": self.kind, "hash": self.hash, "base": base, "parameters": self.parameters, "bytes": size,
            "settings": dict(self.settings), "extra": dict(extra or {}),
        }  # fmt: skip
        part = record.with_suffix(".part")
        part.write_text(json.dumps(content, indent=1, sort_keys=True, allow_nan=False) + "\n", encoding="utf-8")
        os.replace(part, record)
        return size


@dataclass(frozen=True, eq=False)
class ParameterArtifact(Artifact):
    """A kind that replaces values of the model's own parameters. A subclass implements `new_values`."""

    order: ClassVar[int] = 10
    replaces_values: ClassVar[bool] = True

    def new_values(self, backbone: Backbone) -> Mapping[str, Tensor]:
        """The new values by the names of `model.named_parameters()`, computed from the model's current values."""
        raise NotImplementedError

    def each_new_value(self, backbone: Backbone) -> Iterator[tuple[str, Tensor]]:
        """The same one by one, for a kind that need not have all of them in memory at once."""
        yield from self.new_values(backbone).items()

    @contextmanager
    def apply(self, to: AdaptedModel) -> Iterator[AdaptedModel]:
        """Replace the parameters' values by the new ones, one by one."""
        from suite.models.replacing import replacing

        with replacing(to.backbone.model, self.each_new_value(to.backbone)) as new:
            yield replace(to, replaced=(*to.replaced, *new))
