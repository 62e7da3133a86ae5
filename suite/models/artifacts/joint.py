"""A soft prompt and weights that were trained together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from torch import Tensor
from typing_extensions import Self

from suite.models.artifacts import Artifact, register
from suite.models.artifacts.prompt import KEY, SoftPrompt
from suite.models.artifacts.weights import Weights

WEIGHT: Final = "weights|"


@register
@dataclass(frozen=True, eq=False)
class Joint(Artifact):
    """A soft prompt and weights that were trained together."""

    kind: ClassVar[str] = "joint"
    vectors: Tensor
    """[length, width], float32."""
    state: Mapping[str, Tensor]
    """Changed parameters, as in `Weights`."""

    @property
    def tensors(self) -> Mapping[str, Tensor]:
        """The vectors and the changed parameters."""
        return {KEY: self.vectors, **{f"{WEIGHT}{name}": tensor for name, tensor in self.state.items()}}

    @classmethod
    def from_saved(cls, tensors: Mapping[str, Tensor], settings: Mapping[str, Any]) -> Self:
        """The prompt and the weights. Raises ValueError without the prompt."""
        if KEY not in tensors:
            raise ValueError(f"there is no tensor '{KEY}'")
        state = {name.removeprefix(WEIGHT): tensor for name, tensor in tensors.items() if name != KEY}
        return cls(tensors[KEY], state)

    @property
    def parts(self) -> Mapping[str, Artifact]:
        """The weights and the prompt: the weights alone answer other tasks."""
        return {"weights": Weights(self.state), "prompt": SoftPrompt(self.vectors)}
