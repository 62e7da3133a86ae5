"""The loss against torch's own, and dropout put on and off."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from suite.models.adapted import AdaptedModel
from suite.models.backbone import Backbone, Shape
from suite.training.data.batches import IGNORE, Batch, Batches
from suite.training.data.examples import encode
from suite.training.dropout import dropout
from suite.training.objectives.losses import answer_logits, answer_loss
from tests.models.tiny_models import tiny_backbone, tiny_examples

pytestmark = pytest.mark.numeric


def batch_of(backbone: Backbone, count: int = 5) -> tuple[Batches, Batch]:
    encoding = encode(backbone, tiny_examples(count), max_length=64, soft_length=4)
    made = Batches(backbone, encoding.examples, batch_size=count, seed=0)
    return made, made.parts(0, count)[0]


def plain_logits(adapted: AdaptedModel, batch: Batch) -> torch.Tensor:
    """The model called in the ordinary way, with a mask, for all positions of the text."""
    embeds, mask = adapted.embed(batch.input_ids, batch.attention_mask, side="right")
    behind = adapted.prefix_inputs(len(mask))
    if batch.decoder_input_ids is not None:
        inputs = {"inputs_embeds": embeds, "attention_mask": mask, "decoder_input_ids": batch.decoder_input_ids}
        return torch.as_tensor(adapted.model(**inputs, **behind).logits)
    mask = nn.functional.pad(mask, (adapted.prefix_length, 0), value=1)
    logits = adapted.model(inputs_embeds=embeds, attention_mask=mask, **behind).logits
    return torch.as_tensor(logits)[:, adapted.soft_length :]


def stack_of(backbone: Backbone, before: str) -> AdaptedModel:
    soft = torch.randn(4, backbone.width) if before == "soft" else None
    prefix = torch.randn(2, 2, 2, 4, 16) if before == "prefix" else None
    return AdaptedModel(backbone, backbone.model, soft, prefix=prefix)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("before", ["nothing", "soft", "prefix"])
def test_the_loss_is_torchs_cross_entropy(backbone: Backbone, smoothing: float, before: str) -> None:
    _, batch = batch_of(backbone)
    adapted = stack_of(backbone, before)
    wanted = nn.CrossEntropyLoss(ignore_index=IGNORE, reduction="sum", label_smoothing=smoothing)(
        plain_logits(adapted, batch).transpose(1, 2), batch.labels
    )
    torch.testing.assert_close(answer_loss(adapted, batch, smoothing), wanted, rtol=1e-5, atol=1e-5)


def test_label_smoothing_is_what_it_says(backbone: Backbone) -> None:
    _, batch = batch_of(backbone)
    logits, labels = answer_logits(AdaptedModel(backbone, backbone.model), batch)
    logs = logits.log_softmax(-1)[labels != IGNORE]
    right = logs.gather(1, labels[labels != IGNORE].unsqueeze(1)).squeeze(1)
    wanted = -(0.9 * right + 0.1 * logs.mean(1)).sum()
    torch.testing.assert_close(
        answer_loss(AdaptedModel(backbone, backbone.model), batch, 0.1), wanted, rtol=1e-5, atol=1e-5
    )


def test_a_z_loss_is_the_square_of_the_log_of_the_sum_of_exponents(backbone: Backbone) -> None:
    _, batch = batch_of(backbone)
    adapted = AdaptedModel(backbone, backbone.model)
    logits, _ = answer_logits(adapted, batch)
    wanted = answer_loss(adapted, batch, 0.1) + 0.01 * logits.exp().sum(-1).log().square().sum()
    torch.testing.assert_close(answer_loss(adapted, batch, 0.1, 0.01), wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("before", ["nothing", "soft", "prefix"])
def test_a_loss_does_not_depend_on_the_neighbours_in_the_batch(backbone: Backbone, before: str) -> None:
    made, batch = batch_of(backbone)
    adapted = stack_of(backbone, before)
    alone = sum(answer_loss(adapted, part) for part in made.parts(0, 1))
    torch.testing.assert_close(answer_loss(adapted, batch), torch.as_tensor(alone), rtol=1e-5, atol=1e-5)


def test_models_that_give_all_logits_are_cut_afterwards() -> None:
    backbone = tiny_backbone("decoder")
    _, batch = batch_of(backbone)

    class Whole(nn.Module):
        def forward(self, input_ids: torch.Tensor, use_cache: bool) -> object:
            return backbone.model(input_ids=input_ids, use_cache=use_cache)

    part, whole = (answer_loss(AdaptedModel(backbone, model), batch) for model in (backbone.model, Whole()))
    torch.testing.assert_close(part, whole, rtol=1e-5, atol=1e-5)


def test_dropout_acts_in_training_and_is_taken_back(shape: Shape) -> None:
    backbone = tiny_backbone(shape)
    _, batch = batch_of(backbone)
    adapted, model = AdaptedModel(backbone, backbone.model), backbone.model

    def settings() -> list[object]:
        return [
            {k: v for k, v in vars(m).items() if k in ("p", "dropout", "attention_dropout")} for m in model.modules()
        ]

    before = settings()
    model.train()
    with dropout(model, 0.0):
        assert answer_loss(adapted, batch) == answer_loss(adapted, batch)
    with dropout(model, 0.5):
        assert answer_loss(adapted, batch) != answer_loss(adapted, batch)
        model.eval()
        assert answer_loss(adapted, batch) == answer_loss(adapted, batch)
    assert settings() == before
