"""A base model as it answers now: what to call, what stands before each text, and which parameters are replaced."""

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
"""A module, one of its weights as it was, and what an artifact adds to it (float32)."""


@dataclass(frozen=True, eq=False)
class Replaced:
    """One of the model's own parameters that holds other values for a while."""

    parameter: nn.Parameter
    value: Tensor
    """What it is to hold, in the artifact's type."""
    before: Tensor
    """What it held before."""


class AppliedArtifact(Protocol):
    """What is asked of an artifact that is applied (`suite.models.artifacts.Artifact` has it)."""

    kind: ClassVar[str]
    only_before_text: ClassVar[bool]

    def is_held(self, model: AdaptedModel, replaced: Sequence[Replaced]) -> bool:
        """Whether the model holds its very values."""

    def changes(self, model: AdaptedModel, replaced: Sequence[Replaced]) -> Iterator[Change]:
        """What it adds to the weights of the model's modules."""


@dataclass(frozen=True, eq=False)
class AppliedPart:
    """A part of an artifact that is applied to the model."""

    artifact: str
    """The hash of the artifact."""
    part: AppliedArtifact
    replaced: tuple[Replaced, ...] = ()


@dataclass(frozen=True, eq=False)
class AdaptedModel:
    """A model ready to answer: the backbone with artifacts in effect."""

    backbone: Backbone
    model: nn.Module
    """What to call; the soft prompt and the prefix are not in it (see `embed` and `prefix_inputs`)."""
    soft: Tensor | None = None
    """[P, d] vectors to stand before the text, or None."""
    artifacts: tuple[str, ...] = ()
    """Hashes of what is in effect, in order; empty for the base model."""
    prefix: Tensor | None = None
    """[layers, 2, heads, P, width] keys and values to stand before all else, or None."""
    in_model: tuple[str, ...] = ()
    """Hashes of those artifacts that change `model` itself."""
    replaced: tuple[Replaced, ...] = ()
    """The model's own parameters that hold other values, in the order in which they were replaced."""
    added: tuple[nn.Parameter, ...] = ()
    """Parameters that the base does not have."""
    applied: tuple[AppliedPart, ...] = ()
    """The artifacts' parts in the order in which they were applied, for `suite.models.in_effect`."""

    @property
    def identity(self) -> str:
        """A name for the base and everything on it: equal identities give equal answers."""
        return fingerprint([self.backbone.identity, *self.artifacts], length=64)

    @property
    def soft_length(self) -> int:
        """How many positions the soft prompt takes."""
        return 0 if self.soft is None else int(self.soft.shape[0])

    @property
    def prefix_length(self) -> int:
        """How many positions the prefix takes: of a decoder's text, or of an encoder-decoder's answer."""
        return 0 if self.prefix is None else int(self.prefix.shape[3])

    @property
    def reserved(self) -> int:
        """How many of the backbone's `max_length` positions soft prompt and prefix take from the text."""
        return self.soft_length + (self.prefix_length if self.backbone.shape == "decoder" else 0)

    @property
    def reserved_by(self) -> str:
        """What takes the reserved positions, for messages."""
        return "soft prompt" if self.prefix is None else "prefix"

    def cache(self, rows: int) -> Cache:
        """A new cache for a batch of `rows`, with the prefix in it if there is one: what is read next follows it."""
        table = self.backbone.model.get_input_embeddings()
        return cache_of(None if self.prefix is None else self.prefix.to(table.weight.dtype), rows, self.backbone.shape)

    def prefix_inputs(self, rows: int) -> dict[str, Any]:
        """Further arguments of a call, so that a batch of `rows` follows the prefix; {} without one."""
        return {} if self.prefix is None else {"past_key_values": self.cache(rows)}

    def embed(self, input_ids: Tensor, attention_mask: Tensor, *, side: Side) -> tuple[Tensor, Tensor]:
        """Embeddings [B, P+T, d] and mask [B, P+T] of ids and mask [B, T] that are padded on `side`.

        The layout is [pad][soft][text] (left) or [soft][text][pad] (right): a row never sees how long its neighbours
        are. For an encoder-decoder these are the encoder's inputs.
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
        # from [soft][pad][text]: position j of [pad][soft][text] is read at P + j, at j − pads, and at j
        pads = length - attention_mask.sum(1, keepdim=True)
        at = torch.arange(self.soft_length + length, device=input_ids.device).unsqueeze(0)
        read = torch.where(at < pads, at + self.soft_length, torch.where(at < pads + self.soft_length, at - pads, at))
        order = read.unsqueeze(-1).expand(-1, -1, embeds.shape[-1])
        return embeds.gather(1, order), mask.gather(1, read)


@contextmanager
def swapped(model: nn.Module, state: Mapping[str, Tensor], *, cast: bool = True) -> Iterator[dict[str, nn.Parameter]]:
    """Let parameters of a model hold other tensors for a while; the old tensors are put aside, not copied.

    Yields the parameters by name. Tied parameters stay tied, since the parameter objects stay. Tensors take the type of
    those they replace, unless not to be `cast`.
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
    """Give the parameters these values on exit, whatever happens."""
    try:
        yield
    finally:
        for name, parameter in parameters.items():
            parameter.data = values[name]


@contextmanager
def holding(parameters: Mapping[str, nn.Parameter], values: Mapping[str, Tensor]) -> Iterator[None]:
    """Let parameters hold these very tensors for a while."""
    with restoring(parameters, {name: parameter.data for name, parameter in parameters.items()}):
        for name, parameter in parameters.items():
            parameter.data = values[name]
        yield


def same_bits(tensor: Tensor, expected: Tensor) -> bool:
    """Whether a tensor has the bits of another one, once that has its type."""
    tensor, expected = tensor.detach().cpu(), expected.detach().to(tensor.dtype).cpu()
    return tensor.shape == expected.shape and torch.equal(_bits(tensor), _bits(expected))


def _bits(tensor: Tensor) -> Tensor:
    return tensor.contiguous().reshape(-1).view(torch.uint8)


Suspension = AbstractContextManager[object]
"""While it is entered, the model answers as without an artifact that stays applied."""
