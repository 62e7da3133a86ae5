"""What a method trains: parameters, and how the model is called with them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass

from torch import Tensor, nn

from suite.models.adapted import AdaptedModel
from suite.models.backbone import Backbone


@dataclass(frozen=True)
class Trainable:
    """Parameters that are already in the model's place, or stand before its inputs or its keys and values."""

    parameters: Mapping[str, nn.Parameter]
    base: Callable[[], AbstractContextManager[object]]
    """While it is entered, the model answers as the base does (without `soft` and `prefix`)."""
    soft: Callable[[int], Tensor] | None = None
    """Vectors [P, d] that stand before each prompt of the target at a place, in training and in selection."""
    prepare: Callable[[], None] = lambda: None
    """Puts the parameters as they are now into effect; called before the model is."""
    prefix: Callable[[], Tensor] | None = None
    """Keys and values [layers, 2, heads, P, width] that stand before each text, in training and in selection."""
    elsewhere: Callable[[], AbstractContextManager[object]] = nullcontext
    """While it is entered, the model answers as it does where the task is none of the targets (without `soft` and
    `prefix`)."""

    local: bool = False
    """Whether it acts for the targets only, so that every other task is answered by the base."""

    def soft_length(self, place: int) -> int:
        """How many positions the soft prompt of a target takes."""
        return 0 if self.soft is None else int(self.soft(place).shape[0])

    @property
    def prefix_length(self) -> int:
        """How many positions the prefix takes."""
        return 0 if self.prefix is None else int(self.prefix().shape[3])

    def now(self, backbone: Backbone, place: int = 0, label: str = "in training") -> AdaptedModel:
        """The model as it answers the target at a place; stacks of different `label` are never taken for the same."""
        self.prepare()
        soft = None if self.soft is None else self.soft(place)
        return AdaptedModel(backbone, backbone.model, soft, (label,), None if self.prefix is None else self.prefix())

    @contextmanager
    def answering(self, backbone: Backbone, targets: Sequence[str], role: str, label: str) -> Iterator[AdaptedModel]:
        """The model as it answers a task: one of the targets, or another."""
        label = f"{label} · {role}"
        if role in targets:
            yield self.now(backbone, targets.index(role), label)
            return
        self.prepare()
        with self.elsewhere():
            yield AdaptedModel(backbone, backbone.model, None, (label,))

    def without(self, backbone: Backbone) -> AdaptedModel:
        """The base model; to be called within `base()` only."""
        return AdaptedModel(backbone, backbone.model)
