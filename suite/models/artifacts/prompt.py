"""Soft prompts: vectors before the input's embeddings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final

from torch import Tensor
from typing_extensions import Self

from suite.core.errors import SuiteError
from suite.models.adapted import AdaptedModel, Replaced, Suspension, same_bits
from suite.models.artifacts import PEFT_TASKS, Artifact, PeftFiles, register
from suite.models.backbone import Backbone

KEY: Final = "prompt_embeddings"
"""PEFT's name for the same tensor."""


@register
@dataclass(frozen=True, eq=False)
class SoftPrompt(Artifact):
    """Vectors before the input's embeddings."""

    kind: ClassVar[str] = "prompt"
    order: ClassVar[int] = 50
    only_before_text: ClassVar[bool] = True
    vectors: Tensor
    """[length, width], float32."""

    @property
    def tensors(self) -> Mapping[str, Tensor]:
        """The vectors, under PEFT's name."""
        return {KEY: self.vectors}

    @classmethod
    def from_saved(cls, tensors: Mapping[str, Tensor], settings: Mapping[str, Any]) -> Self:
        """The soft prompt of the saved tensor. Raises ValueError if there are other tensors."""
        if set(tensors) != {KEY}:
            raise ValueError(f"one tensor '{KEY}' is expected")
        return cls(tensors[KEY])

    @contextmanager
    def apply(self, to: AdaptedModel) -> Iterator[AdaptedModel]:
        """Put the vectors before every text. Raises SuiteError if their width is not the model's."""
        width, backbone = to.backbone.width, to.backbone
        if self.vectors.ndim != 2 or self.vectors.shape[1] != width:
            shape = tuple(self.vectors.shape)
            raise SuiteError(f"a soft prompt of shape {shape} does not fit embeddings of {width}")
        yield replace(to, soft=self.vectors.detach().to(backbone.device))

    def suspended(self, model: AdaptedModel) -> Suspension:
        """Nothing to do: the model itself does not contain the prompt."""
        return nullcontext()

    def is_held(self, model: AdaptedModel, replaced: Sequence[Replaced]) -> bool:
        """Whether exactly these vectors stand before the text."""
        return model.soft is not None and same_bits(model.soft, self.vectors)

    def for_peft(self, backbone: Backbone) -> PeftFiles:
        """PEFT's prompt tuning; of an encoder-decoder the encoder reads it."""
        length, width = self.vectors.shape
        settings = {
            "peft_type": "PROMPT_TUNING", "task_type": PEFT_TASKS[backbone.shape], "num_virtual_tokens": length,
            "token_dim": width, "num_transformer_submodules": 1, "prompt_tuning_init": "RANDOM", "inference_mode": True,
        }  # fmt: skip
        return PeftFiles(settings, {KEY: self.vectors})
