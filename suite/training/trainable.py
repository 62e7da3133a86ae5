"""What a method trains: parameters, and how the model is called with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass

from torch import Tensor, nn

from suite.models.backbone import Backbone
from suite.models.stack import Stacked


@dataclass(frozen=True)
class Trainable:
    """Parameters that are already in the model's place, or stand before its inputs or its keys and values."""

    parameters: Mapping[str, nn.Parameter]
    base: Callable[[], AbstractContextManager[object]]
    """While it is entered, the model answers as the base does (without `soft` and `prefix`)."""
    soft: Callable[[], Tensor] | None = None
    """Vectors [P, d] that stand before each prompt, in training and in selection."""
    prepare: Callable[[], None] = lambda: None
    """Puts the parameters as they are now into effect; called before the model is."""
    prefix: Callable[[], Tensor] | None = None
    """Keys and values [layers, 2, heads, P, width] that stand before each text, in training and in selection."""

    @property
    def soft_length(self) -> int:
        """How many positions the soft prompt takes."""
        return 0 if self.soft is None else int(self.soft().shape[0])

    @property
    def prefix_length(self) -> int:
        """How many positions the prefix takes."""
        return 0 if self.prefix is None else int(self.prefix().shape[3])

    def now(self, backbone: Backbone, label: str = "in training") -> Stacked:
        """The model with the parameters as they are; stacks of different `label` are never taken for the same."""
        self.prepare()
        soft, prefix = (None if make is None else make() for make in (self.soft, self.prefix))
        return Stacked(backbone, backbone.model, soft, (label,), prefix)

    def without(self, backbone: Backbone) -> Stacked:
        """The base model; to be called within `base()` only."""
        return Stacked(backbone, backbone.model)
