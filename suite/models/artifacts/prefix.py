"""Prefixes: keys and values before the text in every attention layer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final

from torch import Tensor
from typing_extensions import Self

from suite.models.adapted import AdaptedModel, Replaced, Suspension, same_bits
from suite.models.artifacts import PEFT_TASKS, Artifact, PeftFiles, register
from suite.models.backbone import Backbone
from suite.models.prefix import fitting_prefix

KEY: Final = "past_key_values"
"""Transformers' name of the argument."""
PEFT_KEY: Final = "prompt_embeddings"
"""What PEFT calls the same numbers, as one row a position."""


@register
@dataclass(frozen=True, eq=False)
class Prefix(Artifact):
    """Keys and values before the text in every attention layer."""

    kind: ClassVar[str] = "prefix"
    order: ClassVar[int] = 40
    only_before_text: ClassVar[bool] = True
    vectors: Tensor
    """[layers, 2 (keys, values), key/value heads, length, width of a head], float32."""

    @property
    def tensors(self) -> Mapping[str, Tensor]:
        """Keys and values as one tensor."""
        return {KEY: self.vectors}

    @classmethod
    def from_saved(cls, tensors: Mapping[str, Tensor], settings: Mapping[str, Any]) -> Self:
        """The prefix of the saved tensor. Raises ValueError if there are other tensors."""
        if set(tensors) != {KEY}:
            raise ValueError(f"one tensor '{KEY}' is expected")
        return cls(tensors[KEY])

    @contextmanager
    def apply(self, to: AdaptedModel) -> Iterator[AdaptedModel]:
        """Put the keys and values before every text."""
        yield replace(to, prefix=fitting_prefix(self.vectors, to.backbone))

    def suspended(self, model: AdaptedModel) -> Suspension:
        """Nothing to do: the model itself does not contain the prefix."""
        return nullcontext()

    def is_held(self, model: AdaptedModel, replaced: Sequence[Replaced]) -> bool:
        """Whether exactly these keys and values stand before the text."""
        return model.prefix is not None and same_bits(model.prefix, self.vectors)

    def for_peft(self, backbone: Backbone) -> PeftFiles:
        """PEFT's prefix tuning.

        PEFT 0.21 gives layer i of an encoder-decoder the keys and values at index 2i: they are put there, and those
        between them, which are never read, are zeros.
        """
        layers, _, heads, length, width = self.vectors.shape
        two_sided = backbone.shape == "encoder-decoder"
        slots = self.vectors
        if two_sided:
            slots = self.vectors.new_zeros(2 * layers, *self.vectors.shape[1:])
            slots[::2] = self.vectors
        settings = {
            "peft_type": "PREFIX_TUNING", "task_type": PEFT_TASKS[backbone.shape], "num_virtual_tokens": length,
            "token_dim": heads * width, "num_attention_heads": heads, "num_layers": len(slots),
            "num_transformer_submodules": 2 if two_sided else 1, "prefix_projection": False, "inference_mode": True,
        }  # fmt: skip
        return PeftFiles(settings, {PEFT_KEY: slots.permute(3, 0, 1, 2, 4).reshape(length, -1).contiguous()})
