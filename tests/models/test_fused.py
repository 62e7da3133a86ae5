"""Activations in one pass: the same values and gradients, and the very same model afterwards."""

from __future__ import annotations

import torch

from suite.models.adapted import AdaptedModel
from suite.models.backbone import Backbone
from suite.models.fused import fused
from suite.training.objectives.losses import answer_loss
from tests.models.tiny_models import tiny_backbone
from tests.training.test_answer_positions import batch_of


def nodes(loss: torch.Tensor) -> set[str]:
    """Names of the operations that a gradient goes back through."""
    seen, stack = set(), [loss.grad_fn]
    while stack:
        node = stack.pop()
        if node is not None and node not in seen:
            seen.add(node)
            stack += [following for following, _ in node.next_functions]
    return {type(node).__name__ for node in seen}


def test_training_takes_one_pass_and_gives_the_same() -> None:
    backbone: Backbone = tiny_backbone("encoder-decoder")
    model, batch = backbone.model.requires_grad_(True).train(), batch_of(backbone)
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
        if hasattr(module, "dropout") and isinstance(module.dropout, float):
            module.dropout = 0.0
    adapted = AdaptedModel(backbone, model)
    wanted = answer_loss(adapted, batch)
    with fused(model):
        got = answer_loss(adapted, batch)
    assert ("TanhBackward0" in nodes(wanted), "TanhBackward0" in nodes(got)) == (True, False)
    torch.testing.assert_close(got, wanted, rtol=1e-5, atol=1e-5)
    parameters = list(model.parameters())
    pairs = zip(torch.autograd.grad(got, parameters), torch.autograd.grad(wanted, parameters), strict=True)
    for first, second in pairs:
        torch.testing.assert_close(first, second, rtol=1e-4, atol=1e-5)
    assert "TanhBackward0" in nodes(answer_loss(adapted, batch))  # taken back


def test_it_may_be_entered_twice() -> None:
    backbone = tiny_backbone("encoder-decoder")
    adapted, batch = AdaptedModel(backbone, backbone.model), batch_of(backbone)
    plain = answer_loss(adapted, batch)
    with fused(backbone.model):
        wanted = answer_loss(adapted, batch)
        with fused(backbone.model):
            pass
        assert torch.equal(answer_loss(adapted, batch), wanted)
    assert torch.equal(answer_loss(adapted, batch), plain)
