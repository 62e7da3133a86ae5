"""Changed weights: new values of some of the model's own parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor
from typing_extensions import Self

from suite.models.artifacts import ParameterArtifact, register
from suite.models.backbone import Backbone


@register
@dataclass(frozen=True, eq=False)
class Weights(ParameterArtifact):
    """New values of some of the model's own parameters."""

    kind: ClassVar[str] = "weights"
    order: ClassVar[int] = 10
    state: Mapping[str, Tensor]
    """Values by the names of `model.named_parameters()`; a tied tensor is stored once."""

    @property
    def tensors(self) -> Mapping[str, Tensor]:
        """The changed parameters."""
        return self.state

    @classmethod
    def from_saved(cls, tensors: Mapping[str, Tensor], settings: Mapping[str, Any]) -> Self:
        """The artifact of the saved parameters."""
        return cls(tensors)

    def new_values(self, backbone: Backbone) -> Mapping[str, Tensor]:
        """The saved values."""
        return self.state
