"""The artifacts in effect while a task is answered: put on the base model, and taken off bit for bit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import torch
from torch import Tensor, nn
from transformers import Cache

from suite.core.errors import SuiteError
from suite.core.hashing import fingerprint
from suite.models.adapter import injected
from suite.models.artifact import Adapter, Artifact, Kind, Part, Prefix, Singular, SoftPrompt, Weights
from suite.models.backbone import Backbone
from suite.models.prefix import cache_of, fitting_prefix
from suite.models.singular import composed

Side = Literal["left", "right"]
_ORDER: Final[tuple[Kind, ...]] = ("weights", "singular", "adapter", "prefix", "prompt")
"""In which artifacts are put on: an adapter wraps modules, so it comes after what changes their weights."""
_INSIDE: Final[tuple[Kind, ...]] = ("weights", "singular", "adapter")


@dataclass(frozen=True, eq=False)
class Mounted:
    """A part of an artifact that is on the model, and what it replaced."""

    artifact: str
    """The hash of the artifact."""
    part: Part
    parameters: Mapping[str, nn.Parameter] = field(default_factory=dict)
    """The model's own parameters that hold other tensors, by their names."""
    values: Mapping[str, Tensor] = field(default_factory=dict)
    """What they are to hold."""
    before: Mapping[str, Tensor] = field(default_factory=dict)
    """What they held before."""


@dataclass(frozen=True, eq=False)
class Stacked:
    """A model ready to answer: the backbone with a stack of artifacts in effect."""

    backbone: Backbone
    model: nn.Module
    """What to call; the soft prompt and the prefix are not in it (see `embed` and `behind`)."""
    soft: Tensor | None = None
    """[P, d] vectors to stand before the text, or None."""
    artifacts: tuple[str, ...] = ()
    """Hashes of what is in effect, in order; empty for the base model."""
    prefix: Tensor | None = None
    """[layers, 2, heads, P, width] keys and values to stand before all else, or None."""
    inside: tuple[str, ...] = ()
    """Hashes of those artifacts that changed `model` itself."""
    mounted: tuple[Mounted, ...] = ()
    """The artifacts' parts in the order they were put on, for `suite.models.in_effect`."""

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

    def cache(self, rows: int) -> Cache:
        """A new cache for a batch of `rows`, with the prefix in it if there is one: what is read next comes behind."""
        table = self.backbone.model.get_input_embeddings()
        return cache_of(None if self.prefix is None else self.prefix.to(table.weight.dtype), rows, self.backbone.shape)

    def behind(self, rows: int) -> dict[str, Any]:
        """What to call the model with besides, so that a batch of `rows` stands behind the prefix; {} without one."""
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
def stacked(backbone: Backbone, artifacts: Sequence[Artifact]) -> Iterator[Stacked]:
    """Put artifacts on the backbone, but for neutral ones; on exit the base is what it was, bit for bit.

    Raises SuiteError when an artifact does not fit the model, or when there are two of a kind.
    """
    artifacts = [artifact for artifact in artifacts if not artifact.neutral]
    parts: list[tuple[str, Part]] = [(artifact.hash, part) for artifact in artifacts for part in artifact.parts]
    kinds = [part.kind for _, part in parts]
    if len(set(kinds)) < len(kinds):
        raise SuiteError(f"a stack takes one artifact of a kind; this one has {', '.join(kinds)}")
    soft: Tensor | None = None
    prefix: Tensor | None = None
    mounted: list[Mounted] = []
    with ExitStack() as undo:
        for artifact, part in sorted(parts, key=lambda each: _ORDER.index(each[1].kind)):
            on = Mounted(artifact, part)
            if isinstance(part, (Weights, Singular)):
                values = part.state if isinstance(part, Weights) else _composed(part, backbone)
                own = dict(backbone.model.named_parameters())
                before = {name: own[name].data for name in values if name in own}
                on = Mounted(artifact, part, undo.enter_context(swapped(backbone.model, values)), values, before)
            elif isinstance(part, Adapter):
                undo.enter_context(injected(backbone.model, part.peft, part.state))
            elif isinstance(part, SoftPrompt):
                soft = _fitting(part.vectors, backbone)
            elif isinstance(part, Prefix):
                prefix = fitting_prefix(part.vectors, backbone)
            mounted.append(on)
        undo.callback(backbone.model.train, backbone.model.training)
        backbone.model.eval()
        inside = tuple(each.hash for each in artifacts if any(part.kind in _INSIDE for part in each.parts))
        yield Stacked(
            backbone, backbone.model, soft, tuple(each.hash for each in artifacts), prefix, inside, tuple(mounted)
        )


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
    try:
        for name, parameter in chosen.items():
            dtype = parameter.dtype if cast else state[name].dtype
            parameter.data = state[name].detach().to(device=parameter.device, dtype=dtype)
        yield chosen
    finally:
        for name, parameter in chosen.items():
            parameter.data = before[name]


def _composed(artifact: Singular, backbone: Backbone) -> dict[str, Tensor]:
    return composed(
        backbone.model, artifact.masks, artifact.values, renormalise=artifact.renormalise, cache=backbone.factors
    )


def _fitting(vectors: Tensor, backbone: Backbone) -> Tensor:
    if vectors.ndim != 2 or vectors.shape[1] != backbone.width:
        raise SuiteError(f"a soft prompt of shape {tuple(vectors.shape)} does not fit embeddings of {backbone.width}")
    return vectors.detach().to(backbone.device)
