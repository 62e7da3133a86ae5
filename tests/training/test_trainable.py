"""What is trained is asked for its model; batches, losses and probes know nothing else of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace

import torch
from torch import nn

from suite.models.adapted import AdaptedModel
from suite.models.artifacts.joint import Joint
from suite.models.artifacts.prompt import SoftPrompt
from suite.models.backbone import Backbone
from suite.training.trainable import Trainable


def longer(model: AdaptedModel, target_index: int) -> AdaptedModel:
    """A soft prompt of another length for each target, and a prefix."""
    prefix = torch.zeros(2, 2, 2, 5, 16)
    return replace(model, soft=torch.zeros(target_index + 2, model.backbone.width), prefix=prefix)


def test_reserved_positions_are_those_of_the_model_that_it_gives(backbone: Backbone) -> None:
    trainable = Trainable({}, nullcontext, longer)
    assert trainable.reserved(backbone, 0) == {"soft_length": 2, "prefix_length": 5}
    assert trainable.reserved(backbone, 1) == {"soft_length": 3, "prefix_length": 5}
    assert Trainable({}, nullcontext).reserved(backbone, 0) == {"soft_length": 0, "prefix_length": 0}


def test_other_tasks_are_answered_as_the_first_target_unless_it_says_how(backbone: Backbone) -> None:
    @contextmanager
    def halved(model: AdaptedModel) -> Iterator[AdaptedModel]:
        yield replace(model, soft=torch.zeros(1, backbone.width))

    lengths = []
    for elsewhere in (None, nullcontext, halved):
        trainable = Trainable({}, nullcontext, longer, elsewhere)
        with trainable.answering(backbone, ("rte", "cb"), "wic", "now") as model:
            lengths.append((model.soft_length, model.prefix_length))
        with trainable.answering(backbone, ("rte", "cb"), "cb", "now") as model:
            assert (model.soft_length, model.prefix_length) == (3, 5)
    assert lengths == [(2, 5), (0, 0), (1, 0)]


def test_what_only_stands_before_the_text_leaves_the_base_elsewhere(backbone: Backbone) -> None:
    """So a probe asks the base once; a prompt that was trained beside weights leaves no base."""
    base = AdaptedModel(backbone, backbone.model).identity
    for kind, is_base in ((SoftPrompt, True), (Joint, False)):
        trainable = Trainable({}, nullcontext, longer, nullcontext, kind)
        with trainable.answering(backbone, ("rte",), "wic", "step 1") as first:
            assert (first.identity == base) is is_base
        with trainable.answering(backbone, ("rte",), "wic", "step 2") as second:
            assert (second.identity == first.identity) is is_base
        with trainable.answering(backbone, ("rte",), "rte", "step 1") as target:
            assert target.identity != base


def test_gradients_flow_through_what_it_gives(backbone: Backbone) -> None:
    vectors = nn.Parameter(torch.zeros(3, backbone.width))
    trainable = Trainable({"own": vectors}, nullcontext, lambda model, _: replace(model, soft=vectors * 2))
    soft = trainable.adapted(backbone).soft
    assert soft is not None
    soft.sum().backward()
    assert vectors.grad is not None
    assert torch.equal(vectors.grad, torch.full_like(vectors, 2.0))
