"""Prefixes in training: what is trained, what is kept of it, and the base that it is compared with."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import pytest
import torch
from peft import PrefixEncoder
from torch.nn import functional

from suite.core.errors import SuiteError
from suite.methods import prefix_tuning
from suite.models.backbone import Backbone
from suite.training.config import Reinforce
from suite.training.data.batches import Collator
from suite.training.data.examples import Encoded, encode
from suite.training.objectives.losses import answer_logits, answer_loss
from suite.training.objectives.reinforce import Rewarded, policy_loss
from suite.training.prefixes import TrainedPrefix
from suite.training.trainable import Trainable
from tests.methods.tiny_jobs import job_for
from tests.models.tiny_models import Example, tiny_backbone, tiny_examples

ROWS = (Encoded((7, 8, 9), (6, 1)), Encoded((10,), (5, 11, 12, 1)))


def trainable(backbone: Backbone, projection: int | None = None) -> Trainable:
    prefix = TrainedPrefix(backbone, 3, projection, seed=0).requires_grad_(True)
    return Trainable(dict(prefix.named_parameters()), nullcontext, prefix.adapt)


def test_first_values_are_pefts_and_a_function_of_the_seed(backbone: Backbone) -> None:
    first, again, other = (TrainedPrefix(backbone, 4, None, seed) for seed in (0, 0, 1))
    assert isinstance(first, PrefixEncoder)
    assert first.vectors().shape == (2, 2, 2, 4, 16)
    assert torch.equal(first.vectors(), again.vectors())
    assert not torch.equal(first.vectors(), other.vectors())


def test_of_a_projection_only_the_prefix_is_kept(backbone: Backbone, tmp_path: Path) -> None:
    config = prefix_tuning.Config(length=4, projection=6, steps=3)
    trained = prefix_tuning.train(config, job_for("prefix_tuning", backbone, tmp_path))
    width = 2 * 16
    assert trained.trained_parameters == 4 * width + (width + 1) * 6 + (6 + 1) * 2 * 2 * width
    assert trained.artifact.parameters == 2 * 2 * 4 * width
    assert not trained.artifact.tensors["past_key_values"].requires_grad


@pytest.mark.parametrize("projection", [None, 6])
def test_only_the_prefix_has_a_gradient(backbone: Backbone, projection: int | None) -> None:
    own = trainable(backbone, projection)
    answer_loss(own.adapted(backbone), Collator(backbone)(ROWS)).backward()
    assert all(parameter.grad is not None and bool(parameter.grad.any()) for parameter in own.parameters.values())
    assert all(parameter.grad is None for parameter in backbone.model.parameters())


def test_the_divergence_is_from_the_model_without_the_prefix(backbone: Backbone) -> None:
    own, batch = trainable(backbone), Collator(backbone)(ROWS[:1])
    logits, labels = answer_logits(own.adapted(backbone), batch)
    with own.base_model(backbone) as base_model:
        base, _ = answer_logits(base_model, batch)
    after, before = (each[labels >= 0].log_softmax(-1) for each in (logits, base))
    wanted = 0.5 * functional.kl_div(before, after, reduction="sum", log_target=True)
    job = job_for("prefix_tuning", backbone, Path())
    got = policy_loss(Rewarded(batch, torch.tensor([0.0])), job, own, Reinforce(kl=0.5))
    assert float(wanted) > 1e-4
    torch.testing.assert_close(got, wanted, rtol=1e-3, atol=1e-6)


def test_a_prefix_takes_its_positions_from_the_text_or_from_the_answer(backbone: Backbone) -> None:
    decoder = backbone.shape == "decoder"
    example = Example(" ".join(["w1"] * 50), " ".join(["red"] * 50))
    options = {"max_length": 40, "soft_length": 0}
    (free,), (behind,) = (
        encode(backbone, [example], **options, prefix_length=length).examples for length in (0, 10)
    )  # fmt: skip
    assert free.length - behind.length == 10
    assert len(free.prompt) == len(behind.prompt)
    assert len(behind.prompt) + len(behind.target) == (30 if decoder else 70)


def test_no_room_beside_a_prefix_is_an_error() -> None:
    for shape in ("decoder", "encoder-decoder"):
        with pytest.raises(SuiteError, match="a prefix of 60 leaves no room in 64 positions"):
            encode(tiny_backbone(shape), tiny_examples(1), max_length=64, soft_length=0, prefix_length=60)  # type: ignore[arg-type]
