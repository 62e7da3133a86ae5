"""Gradient alignment, against a plain computation with two backward passes."""

from __future__ import annotations

from collections import Counter
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from suite import methods
from suite.core.curves import OfPart, curve_name
from suite.models.adapted import AdaptedModel
from suite.models.backbone import Backbone
from suite.probes.gradients import Alignment
from suite.training.data.batches import Collator
from suite.training.objectives.losses import answer_loss
from suite.training.trainable import Trainable, in_place
from tests.methods.tiny_jobs import Terms, job_for, tiny_set
from tests.models.tiny_models import tiny_examples


def alignment(backbone: Backbone, folder: Path, soft: bool = False, micro_batch: int | None = None) -> Alignment:
    sets = (tiny_set("rte", tiny_examples(20)), tiny_set("cb", tiny_examples(9, seed=1)))
    job = job_for("finetune", backbone, folder, examples=sets, budget=Terms(micro_batch=micro_batch))
    parameters = {name: each.requires_grad_(True) for name, each in backbone.model.named_parameters()}
    vectors = torch.randn(3, backbone.width, generator=torch.Generator().manual_seed(0))

    def adapt(model: AdaptedModel, target_index: int) -> AdaptedModel:
        return replace(model, soft=vectors * (target_index + 1))

    trainable = Trainable(parameters, nullcontext, adapt if soft else in_place)
    return Alignment(methods.get("finetune").Config(), job, trainable, 12)


@pytest.mark.parametrize("soft", [False, True])
def test_the_cosine_is_that_of_two_plain_backward_passes(backbone: Backbone, soft: bool, tmp_path: Path) -> None:
    looked = alignment(backbone, tmp_path, soft)
    found = {point.name: point.value for point in looked(7)}
    gradients = []
    for examples in (looked._true, looked._shuffled):
        backbone.model.zero_grad()
        for example in examples:  # one at a time, without any padding
            batch = Collator(backbone)([example])
            answer_loss(looked._trainable.adapted(backbone, example.target_index), batch).backward()
        gradients.append({name: p.grad.clone() for name, p in backbone.model.named_parameters() if p.grad is not None})
    parts = looked.parts
    assert parts.keys() == gradients[0].keys()
    for kind in {part.part for part in parts.values()}:
        flat = [torch.cat([g[n].flatten() for n, p in parts.items() if p.part == kind]).double() for g in gradients]
        wanted = float(flat[0] @ flat[1] / (flat[0].norm() * flat[1].norm()))
        assert found[curve_name(OfPart(kind))] == pytest.approx(wanted, abs=1e-4)
    layer = [
        torch.cat([g[n].flatten() for n, p in parts.items() if p == OfPart("value", 1)]).double() for g in gradients
    ]
    wanted = float(layer[0] @ layer[1] / (layer[0].norm() * layer[1].norm()))
    assert found["cosine:value.1"] == pytest.approx(wanted, abs=1e-4)


def test_answers_are_shuffled_within_a_target_and_inputs_stay(backbone: Backbone, tmp_path: Path) -> None:
    looked = alignment(backbone, tmp_path)
    assert [each.prompt for each in looked._true] == [each.prompt for each in looked._shuffled]
    assert [each.target for each in looked._true] != [each.target for each in looked._shuffled]
    for place in (0, 1):
        both = [Counter(e.target for e in each if e.target_index == place) for each in (looked._true, looked._shuffled)]
        assert both[0] == both[1]
    assert Counter(each.target_index for each in looked._true) == {0: 12, 1: 9}


def test_parts_of_a_batch_do_not_change_the_cosine(backbone: Backbone, tmp_path: Path) -> None:
    whole = {point.name: point.value for point in alignment(backbone, tmp_path)(0)}
    parted = {point.name: point.value for point in alignment(backbone, tmp_path, micro_batch=3)(0)}
    assert parted == {name: pytest.approx(value, abs=1e-5) for name, value in whole.items()}
