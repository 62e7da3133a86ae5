"""What a method trains: parameters, and the model that uses them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace

import torch
from torch import nn

from suite.models.adapted import AdaptedModel
from suite.models.artifacts import Artifact
from suite.models.backbone import Backbone


def in_place(model: AdaptedModel, target_index: int) -> AdaptedModel:
    """The model unchanged: the trained parameters are in its modules already."""
    return model


@dataclass(frozen=True)
class Trainable:
    """Parameters in training, and how they change the model.

    Batches, losses, rewards and probes use the adapted model; they do not need to know what is trained.
    """

    parameters: Mapping[str, nn.Parameter]
    """Parameters by name. A parameter of the base model, or one that acts on such a parameter, has its name
    (`model.named_parameters()`)."""
    base: Callable[[], AbstractContextManager[object]]
    """Context manager in which the model's modules answer as the base model does."""
    adapt: Callable[[AdaptedModel, int], AdaptedModel] = in_place
    """The model as it answers the target at an index with the current parameters, differentiable. Its input is the
    model without anything before the text (`dataclasses.replace(model, soft=…)`)."""
    elsewhere: Callable[[AdaptedModel], AbstractContextManager[AdaptedModel]] | None = None
    """Context manager of the model as it answers a task that is not a target. None: as the first target is answered.
    `contextlib.nullcontext`: with the changes in the modules, and nothing before the text."""
    kind: type[Artifact] = Artifact
    """The kind of artifact that the parameters become."""
    as_artifact: Callable[[], AbstractContextManager[object]] = nullcontext
    """Context manager in which the parameters have the values and the dtype that the artifact would give the model."""

    def adapted(self, backbone: Backbone, target_index: int = 0, label: str = "in training") -> AdaptedModel:
        """The model as it answers a target. Models of different `label` are never treated as equal."""
        return self.adapt(AdaptedModel(backbone, backbone.model, artifacts=(label,)), target_index)

    @torch.no_grad()
    def reserved(self, backbone: Backbone, target_index: int) -> dict[str, int]:
        """The positions before a target's text, as keyword arguments of `suite.training.data.examples.encode`."""
        model = self.adapted(backbone, target_index)
        return {"soft_length": model.soft_length, "prefix_length": model.prefix_length}

    @contextmanager
    def answering(self, backbone: Backbone, targets: Sequence[str], role: str, label: str) -> Iterator[AdaptedModel]:
        """The model as it answers a task, a target or another one, for scores and probes."""
        label = f"{label} · {role}"
        if role in targets or self.elsewhere is None:
            with self.as_artifact():
                yield self.adapted(backbone, targets.index(role) if role in targets else 0, label)
            return
        model = AdaptedModel(backbone, backbone.model, artifacts=(label,))
        with self.as_artifact(), self.elsewhere(model) as current:
            # an artifact that only stands before the text leaves the base model unchanged for other tasks
            base = self.kind.only_before_text and current is model
            yield replace(current, artifacts=()) if base else current

    @contextmanager
    def base_model(self, backbone: Backbone) -> Iterator[AdaptedModel]:
        """The base model, with the trained parameters out of effect."""
        with self.base():
            yield AdaptedModel(backbone, backbone.model)
