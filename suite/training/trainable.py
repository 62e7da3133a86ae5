"""What a method trains: parameters, and the model as it answers with them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace

import torch
from torch import nn

from suite.models.adapted import AdaptedModel
from suite.models.artifacts import Artifact
from suite.models.backbone import Backbone


def in_place(model: AdaptedModel, target_index: int) -> AdaptedModel:
    """The model as it is: what is trained stands in its modules already."""
    return model


@dataclass(frozen=True)
class Trainable:
    """Parameters in training, and what they do to the model.

    Batches, losses, rewards and probes ask the adapted model that it gives; none of them knows what is trained.
    """

    parameters: Mapping[str, nn.Parameter]
    """By name. One that is a parameter of the base model, or acts on one, has its name (`model.named_parameters()`)."""
    base: Callable[[], AbstractContextManager[object]]
    """While it is entered, the modules of the model answer as the base does."""
    adapt: Callable[[AdaptedModel, int], AdaptedModel] = in_place
    """The model as it answers the target at an index, with the parameters as they are now, differentiable. It takes
    the model without what is to stand before the text (`dataclasses.replace(model, soft=…)`)."""
    elsewhere: Callable[[AdaptedModel], AbstractContextManager[AdaptedModel]] | None = None
    """While it is entered: the model as it answers a task that is none of the targets, of the same one. None: as the
    first target is answered; `contextlib.nullcontext`: with what stands in the modules, and nothing before the text."""
    kind: type[Artifact] = Artifact
    """The kind of artifact that the parameters become, if one is to be asked."""

    def adapted(self, backbone: Backbone, target_index: int = 0, label: str = "in training") -> AdaptedModel:
        """The model as it answers a target; models of different `label` are never taken for the same."""
        return self.adapt(AdaptedModel(backbone, backbone.model, artifacts=(label,)), target_index)

    @torch.no_grad()
    def reserved(self, backbone: Backbone, target_index: int) -> dict[str, int]:
        """The positions before a target's text, as `suite.training.data.examples.encode` takes them."""
        model = self.adapted(backbone, target_index)
        return {"soft_length": model.soft_length, "prefix_length": model.prefix_length}

    @contextmanager
    def answering(self, backbone: Backbone, targets: Sequence[str], role: str, label: str) -> Iterator[AdaptedModel]:
        """The model as it answers a task: one of the targets, or another."""
        label = f"{label} · {role}"
        if role in targets or self.elsewhere is None:
            yield self.adapted(backbone, targets.index(role) if role in targets else 0, label)
            return
        model = AdaptedModel(backbone, backbone.model, artifacts=(label,))
        with self.elsewhere(model) as current:
            # an artifact that only stands before the text leaves the base itself where it does not stand
            base = self.kind.only_before_text and current is model
            yield replace(current, artifacts=()) if base else current

    @contextmanager
    def base_model(self, backbone: Backbone) -> Iterator[AdaptedModel]:
        """The base model, while what is trained is out of effect."""
        with self.base():
            yield AdaptedModel(backbone, backbone.model)
