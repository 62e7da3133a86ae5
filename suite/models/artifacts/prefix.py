"""Prefixes: keys and values before the text in every attention layer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final

from torch import Tensor
from typing_extensions import Self

from suite.models.adapted import AdaptedModel, Replaced, Suspension, same_bits
from suite.models.artifacts import Artifact, register
from suite.models.prefix import fitting_prefix

KEY: Final = "past_key_values"
"""Transformers' name of the argument."""


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
