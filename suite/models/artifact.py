"""What training leaves behind: a soft prompt, a prefix, an adapter, changed weights, singular vectors, or a prompt
with weights; saved as safetensors and JSON."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from suite.core.errors import SuiteError
from suite.core.hashing import canonical
from suite.models.artifact_files import RECORD, TENSORS

Kind = Literal["prompt", "prefix", "adapter", "weights", "singular", "joint"]
AGAIN = "train it again (--again)"
PROMPT_KEY = "prompt_embeddings"  # PEFT's name for the same tensor
WEIGHT = "weights|"
PREFIX_KEY = "past_key_values"  # where transformers takes it


@dataclass(frozen=True, eq=False)
class _Artifact:
    """What all kinds share; `tensors` and `settings` are all that decides what an artifact does."""

    kind: ClassVar[Kind]

    @property
    def tensors(self) -> Mapping[str, Tensor]:
        """Every tensor by name."""
        raise NotImplementedError

    @property
    def settings(self) -> Mapping[str, Any]:
        """What besides the tensors is needed to apply it (JSON-able)."""
        return {}

    @property
    def neutral(self) -> bool:
        """Whether it leaves the base exactly as it is."""
        return False

    @property
    def parts(self) -> tuple[Any, ...]:
        """The artifacts of one kind each that it is put on as."""
        return (self,)

    @cached_property
    def hash(self) -> str:
        """SHA-256 over kind, settings, and each tensor's name, type, shape and bytes, in the order of the names."""
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
        """Write both files and return the bytes of the tensors. The record comes last, so half an artifact has none."""
        folder.mkdir(parents=True, exist_ok=True)
        record, tensors = folder / RECORD, folder / TENSORS
        record.unlink(missing_ok=True)
        part = tensors.with_suffix(".part")
        save_file({name: value.detach().cpu().contiguous() for name, value in sorted(self.tensors.items())}, part)
        os.replace(part, tensors)
        size = tensors.stat().st_size
        told: dict[str, Any] = {
            "kind": self.kind, "hash": self.hash, "base": base, "parameters": self.parameters, "bytes": size,
            "settings": dict(self.settings), "extra": dict(extra or {}),
        }  # fmt: skip
        part = record.with_suffix(".part")
        part.write_text(json.dumps(told, indent=1, sort_keys=True, allow_nan=False) + "\n", encoding="utf-8")
        os.replace(part, record)
        return size


@dataclass(frozen=True, eq=False)
class SoftPrompt(_Artifact):
    """Vectors that stand before the input's embeddings."""

    kind: ClassVar[Kind] = "prompt"
    vectors: Tensor
    """[length, width], float32."""

    @property
    def tensors(self) -> Mapping[str, Tensor]:
        """The vectors, under PEFT's name."""
        return {PROMPT_KEY: self.vectors}


@dataclass(frozen=True, eq=False)
class Prefix(_Artifact):
    """Keys and values that stand before the text in every attention layer."""

    kind: ClassVar[Kind] = "prefix"
    vectors: Tensor
    """[layers, 2 (keys, values), key/value heads, length, width of a head], float32."""

    @property
    def tensors(self) -> Mapping[str, Tensor]:
        """The keys and values, all in one."""
        return {PREFIX_KEY: self.vectors}


@dataclass(frozen=True, eq=False)
class Adapter(_Artifact):
    """A PEFT adapter that is injected into the model's modules (LoRA and its kin)."""

    kind: ClassVar[Kind] = "adapter"
    state: Mapping[str, Tensor]
    """PEFT's state of the adapter, without the adapter's name."""
    peft: Mapping[str, Any]
    """PEFT's configuration, as JSON."""

    @property
    def tensors(self) -> Mapping[str, Tensor]:
        """PEFT's state."""
        return self.state

    @property
    def neutral(self) -> bool:
        """A mixture of nothing has no state; a trained adapter always has."""
        return not self.state

    @property
    def settings(self) -> Mapping[str, Any]:
        """PEFT's configuration."""
        return self.peft


@dataclass(frozen=True, eq=False)
class Weights(_Artifact):
    """New values of some of the model's own parameters."""

    kind: ClassVar[Kind] = "weights"
    state: Mapping[str, Tensor]
    """By the names of `model.named_parameters()`, so a tied tensor is there once."""

    @property
    def tensors(self) -> Mapping[str, Tensor]:
        """The parameters that changed."""
        return self.state


@dataclass(frozen=True, eq=False)
class Singular(_Artifact):
    """Masks over the singular values of some matrices (`suite.models.singular`)."""

    kind: ClassVar[Kind] = "singular"
    masks: Mapping[str, Tensor]
    """m [r] by the name of the weight, float32: as they act, whatever they were made of."""
    values: Mapping[str, Tensor]
    """The singular values [r] that they were trained beside, to know the base again."""
    renormalise: bool
    """Whether the sum of a matrix's singular values stays what it was."""

    @property
    def tensors(self) -> Mapping[str, Tensor]:
        """Masks and values of each matrix."""
        parts = {"mask": self.masks, "values": self.values}
        return {f"{name}|{part}": tensor for part, group in parts.items() for name, tensor in group.items()}

    @property
    def settings(self) -> Mapping[str, Any]:
        """Whether the sum stays."""
        return {"renormalise": self.renormalise}

    @property
    def neutral(self) -> bool:
        """Factors of 1: a search may find that no expert helps."""
        return all(bool((mask == 1.0).all()) for mask in self.masks.values())

    @property
    def parameters(self) -> int:
        """How many numbers were trained."""
        return sum(mask.numel() for mask in self.masks.values())


@dataclass(frozen=True, eq=False)
class Joint(_Artifact):
    """A soft prompt and weights that were trained together."""

    kind: ClassVar[Kind] = "joint"
    vectors: Tensor
    """[length, width], float32."""
    state: Mapping[str, Tensor]
    """As in `Weights`."""

    @property
    def tensors(self) -> Mapping[str, Tensor]:
        """The vectors, and the parameters that changed."""
        return {PROMPT_KEY: self.vectors, **{f"{WEIGHT}{name}": tensor for name, tensor in self.state.items()}}

    @property
    def parts(self) -> tuple[Weights, SoftPrompt]:
        """The weights and the prompt."""
        return Weights(self.state), SoftPrompt(self.vectors)


Part = SoftPrompt | Prefix | Adapter | Weights | Singular
Artifact = Part | Joint


def load_artifact(folder: Path, base: str) -> Artifact:
    """Read an artifact. Raises SuiteError if it is damaged or belongs to another base model than `base`."""
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"), parse_constant=_refuse)
        # copies are aligned in memory as torch's own tensors are: the same bytes then give the same sums
        tensors = {name: tensor.clone() for name, tensor in load_file(folder / TENSORS).items()}
        kind, recorded, made_for, settings = (record[key] for key in ("kind", "hash", "base", "settings"))
        if not all(isinstance(each, str) for each in (kind, recorded, made_for)) or not isinstance(settings, Mapping):
            raise ValueError(f"{RECORD} is no record of one")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SuiteError(f"{folder} has no readable artifact: {error}", fix=AGAIN) from error
    except SafetensorError as error:
        raise SuiteError(f"{folder / TENSORS} is damaged: {error}", fix=AGAIN) from error
    if made_for != base:
        raise SuiteError(f"the artifact in {folder} was made for another base model ({made_for[:12]}, not {base[:12]})")
    artifact = _build(kind, tensors, settings, folder)
    if artifact.hash != recorded:
        raise SuiteError(f"the artifact in {folder} is not what was saved: its hash differs", fix=AGAIN)
    return artifact


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _build(kind: str, tensors: dict[str, Tensor], settings: Mapping[str, Any], folder: Path) -> Artifact:
    if kind == "prompt" and set(tensors) == {PROMPT_KEY}:
        return SoftPrompt(tensors[PROMPT_KEY])
    if kind == "prefix" and set(tensors) == {PREFIX_KEY}:
        return Prefix(tensors[PREFIX_KEY])
    if kind == "adapter":
        return Adapter(tensors, settings)
    if kind == "weights":
        return Weights(tensors)
    if kind == "joint" and PROMPT_KEY in tensors:
        state = {name.removeprefix(WEIGHT): tensor for name, tensor in tensors.items() if name != PROMPT_KEY}
        return Joint(tensors[PROMPT_KEY], state)
    if kind == "singular":
        return _singular(tensors, settings, folder)
    raise SuiteError(f"{folder / RECORD}: unknown kind of artifact '{kind}'")


def _singular(tensors: Mapping[str, Tensor], settings: Mapping[str, Any], folder: Path) -> Singular:
    groups: dict[str, dict[str, Tensor]] = {"mask": {}, "values": {}}
    for key, tensor in tensors.items():
        name, _, part = key.rpartition("|")
        groups.setdefault(part, {})[name] = tensor
    masks, values = groups["mask"], groups["values"]
    whole = len(groups) == 2 and masks.keys() == values.keys() and isinstance(settings.get("renormalise"), bool)
    if not whole or any(tensor.dtype != torch.float32 for tensor in tensors.values()):
        raise SuiteError(
            f"{folder / TENSORS} has not a mask and singular values, in float32, of each matrix", fix=AGAIN
        )
    return Singular(masks, values, settings["renormalise"])
