"""A base model as it currently answers: what to call, what stands before each text, and which parameters are
replaced."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol

import torch
from torch import Tensor, nn
from transformers import Cache

from suite.core.errors import SuiteError
from suite.core.hashing import fingerprint
from suite.models.backbone import Backbone
from suite.models.prefix import cache_of

Side = Literal["left", "right"]
Change = tuple[nn.Module, Tensor, Tensor]
"""(module, one of its weights before, the change that an artifact makes to it in float32)."""


@dataclass(frozen=True, eq=False)
class Replaced:
    """A parameter of the model whose values are replaced temporarily."""

    parameter: nn.Parameter
    value: Tensor
    """The new value, in the artifact's dtype."""
    before: Tensor
    """The previous value."""


class AppliedArtifact(Protocol):
    """The interface of an applied artifact (`suite.models.artifacts.Artifact` implements it)."""

    kind: ClassVar[str]
    only_before_text: ClassVar[bool]
    replaces_values: ClassVar[bool]

    def is_held(self, model: AdaptedModel, replaced: Sequence[Replaced]) -> bool:
        """Whether the model holds exactly this artifact's values."""

    def changes(self, model: AdaptedModel, replaced: Sequence[Replaced]) -> Iterator[Change]:
        """The changes that it makes to the weights of the model's modules."""


@dataclass(frozen=True, eq=False)
class AppliedPart:
    """A part of an artifact that is applied to the model."""

    artifact: str
    """Hash of the artifact."""
    part: AppliedArtifact
    replaced: tuple[Replaced, ...] = ()


@dataclass(frozen=True, eq=False)
class AdaptedModel:
    """A model ready to answer: the backbone with artifacts in effect."""

    backbone: Backbone
    model: nn.Module
    """The module to call. Soft prompt and prefix are not part of it (see `embed` and `prefix_inputs`)."""
    soft: Tensor | None = None
    """Vectors [P, d] before the text, or None."""
    artifacts: tuple[str, ...] = ()
    """Hashes of the artifacts in effect, in order; empty for the base model."""
    prefix: Tensor | None = None
    """Keys and values [layers, 2, heads, P, width] before everything else, or None."""
    in_model: tuple[str, ...] = ()
    """Hashes of the artifacts that change `model` itself."""
    replaced: tuple[Replaced, ...] = ()
    """Replaced parameters of the model, in the order in which they were replaced."""
    added: tuple[nn.Parameter, ...] = ()
    """Parameters that the base model does not have."""
    applied: tuple[AppliedPart, ...] = ()
    """The artifacts' parts in the order in which they were applied, for `suite.models.in_effect`."""

    @property
    def identity(self) -> str:
        """A name for the base model and everything applied to it: equal identities give equal answers."""
        return fingerprint([self.backbone.identity, *self.artifacts], length=64)

    @property
    def soft_length(self) -> int:
        """Number of positions that the soft prompt takes."""
        return 0 if self.soft is None else int(self.soft.shape[0])

    @property
    def prefix_length(self) -> int:
        """Number of positions that the prefix takes: of a decoder's text, or of an encoder-decoder's answer."""
        return 0 if self.prefix is None else int(self.prefix.shape[3])

    @property
    def reserved(self) -> int:
        """Number of the backbone's `max_length` positions that soft prompt and prefix take from the text."""
        return self.soft_length + (self.prefix_length if self.backbone.shape == "decoder" else 0)

    @property
    def reserved_by(self) -> str:
        """Name of what takes the reserved positions, for messages."""
        return "soft prompt" if self.prefix is None else "prefix"

    def cache(self, rows: int) -> Cache:
        """A new cache for a batch of `rows`, starting with the prefix if there is one."""
        table = self.backbone.model.get_input_embeddings()
        return cache_of(None if self.prefix is None else self.prefix.to(table.weight.dtype), rows, self.backbone.shape)

    def prefix_inputs(self, rows: int) -> dict[str, Any]:
        """Further keyword arguments of a call, so that a batch of `rows` follows the prefix; {} without one."""
        return {} if self.prefix is None else {"past_key_values": self.cache(rows)}

    def embed(self, input_ids: Tensor, attention_mask: Tensor, *, side: Side) -> tuple[Tensor, Tensor]:
        """Embeddings [B, P+T, d] and mask [B, P+T] for ids and mask [B, T] that are padded on `side`.

        The layout is [pad][soft][text] (left) or [soft][text][pad] (right), so that a row does not depend on its
        neighbours' lengths. For an encoder-decoder these are the encoder's inputs.
        """
        text: Tensor = self.backbone.model.get_input_embeddings()(input_ids)
        if self.soft is None:
            return text, attention_mask
        rows, length = input_ids.shape
        soft = self.soft.to(text.dtype).unsqueeze(0).expand(rows, -1, -1)
        embeds = torch.cat([soft, text], 1)
        mask = torch.cat([attention_mask.new_ones(rows, self.soft_length), attention_mask], 1)
        if side == "right":
            return embeds, mask
        # gather from [soft][pad][text]: position j of [pad][soft][text] is at P + j, at j − pads, or at j
        pads = length - attention_mask.sum(1, keepdim=True)
        at = torch.arange(self.soft_length + length, device=input_ids.device).unsqueeze(0)
        read = torch.where(at < pads, at + self.soft_length, torch.where(at < pads + self.soft_length, at - pads, at))
        order = read.unsqueeze(-1).expand(-1, -1, embeds.shape[-1])
        return embeds.gather(1, order), mask.gather(1, read)


@contextmanager
def swapped(model: nn.Module, state: Mapping[str, Tensor], *, cast: bool = True) -> Iterator[dict[str, nn.Parameter]]:
    """Replace parameters of a model by other tensors temporarily. The old tensors are kept, not copied.

    Yields the parameters by name. Tied parameters stay tied, since the parameter objects stay the same. With `cast`,
    tensors take the dtype of those they replace. Raises SuiteError for an unknown name or another shape.
    """
    parameters = dict(model.named_parameters())
    for name, tensor in state.items():
        if name not in parameters:
            raise SuiteError(f"the weights do not fit this model: it has no parameter '{name}'")
        if parameters[name].shape != tensor.shape:
            shapes = f"{tuple(tensor.shape)}, not {tuple(parameters[name].shape)}"
            raise SuiteError(f"the weights do not fit this model: '{name}' is {shapes}")
    chosen = {name: parameters[name] for name in state}
    before = {name: parameter.data for name, parameter in chosen.items()}
    with restoring(chosen, before):
        for name, parameter in chosen.items():
            dtype = parameter.dtype if cast else state[name].dtype
            parameter.data = state[name].detach().to(device=parameter.device, dtype=dtype)
        yield chosen


@contextmanager
def restoring(parameters: Mapping[str, nn.Parameter], values: Mapping[str, Tensor]) -> Iterator[None]:
    """Set the parameters to these values on exit, even after an error."""
    try:
        yield
    finally:
        for name, parameter in parameters.items():
            parameter.data = values[name]


@contextmanager
def holding(parameters: Mapping[str, nn.Parameter], values: Mapping[str, Tensor]) -> Iterator[None]:
    """Let parameters hold these tensors temporarily."""
    with restoring(parameters, {name: parameter.data for name, parameter in parameters.items()}):
        for name, parameter in parameters.items():
            parameter.data = values[name]
        yield


def same_bits(tensor: Tensor, expected: Tensor) -> bool:
    """Whether two tensors are bitwise equal after the second is cast to the first one's dtype."""
    tensor, expected = tensor.detach().cpu(), expected.detach().to(tensor.dtype).cpu()
    return tensor.shape == expected.shape and torch.equal(_bits(tensor), _bits(expected))


def _bits(tensor: Tensor) -> Tensor:
    return tensor.contiguous().reshape(-1).view(torch.uint8)


Suspension = AbstractContextManager[object]
"""Context manager in which the model answers as if an applied artifact were not there."""
