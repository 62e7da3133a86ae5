"""Singular values of unusual maps: GPT-2's transposed ones, and those that Mamba reads itself."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from suite.models.apply import applied
from suite.models.singular import compose, factorise, masked, matrices, scaled
from suite.training.dropout import dropout
from suite.training.singular import composing, train_singular
from tests.architectures.answers import PROMPTS, logits, plain
from tests.architectures.families import backbone_of, tiny
from tests.methods.tiny_jobs import config_of, job_for
from tests.models.tiny_budget import Memory


@pytest.mark.parametrize("name", ["GPT-2", "Mamba", "Falcon-H1"])
def test_every_mask_moves_and_gives_the_weights_of_the_formula(name: str, tmp_path: Path) -> None:
    backbone = backbone_of(name)
    config = config_of("svf by likelihood", steps=1, rank=None, start=0.1, spread=0.0)
    trained = train_singular(config, job_for("svf by likelihood", backbone, tmp_path))
    start = masked(torch.tensor([0.1]), "sigmoid")
    weights = {key: backbone.model.get_parameter(key).detach().clone() for key in matrices(backbone.model, "all")}
    assert {*trained.artifact.masks} == {*weights}
    for key, mask in trained.artifact.masks.items():
        assert float((mask - start).abs().max()) > 1e-3, key
    with applied(backbone, [trained.artifact]):
        for key, weight in weights.items():
            left, values, right = torch.linalg.svd(weight, full_matrices=False)
            new = scaled(values, trained.artifact.masks[key], renormalise=True)
            torch.testing.assert_close(
                backbone.model.get_parameter(key).data, (left * new) @ right, rtol=1e-3, atol=1e-4
            )


@pytest.mark.parametrize("name", ["GPT-2", "Mamba"])
def test_the_composed_model_answers_in_training_as_it_will_afterwards(name: str) -> None:
    backbone = backbone_of(name)
    model, names = backbone.model, matrices(backbone.model, "all")
    factors = {key: factorise(model.get_parameter(key)) for key in names}
    start = {key: torch.linspace(0.2, 2.0, len(each.values)) for key, each in factors.items()}
    with composing(model, factors, start, mask="linear", renormalise=False) as made, torch.enable_grad():
        made.compose()
        ids = torch.tensor([PROMPTS["ragged"][1]])
        found = model(input_ids=ids, use_cache=False).logits[0].detach()
    new = {key: compose(model.get_parameter(key), factors[key], start[key], renormalise=False) for key in names}
    with torch.no_grad():
        for key, value in new.items():
            model.get_parameter(key).copy_(value)
    expected = logits(plain(backbone), PROMPTS["ragged"][1], (7,))
    torch.testing.assert_close(found[-1:], expected, rtol=1e-4, atol=1e-4)


def test_what_is_left_out_is_said(tmp_path: Path) -> None:
    log = Memory()
    train_singular(config_of("svf by likelihood", steps=1), job_for("svf", backbone_of("Mixtral"), tmp_path, log=log))
    notice = "SVF scales 14 % of the layers' weights; the others (such as experts) are no linear maps"
    assert log.said == [notice]


def test_no_layer_is_left_out_in_training_without_dropout() -> None:
    model = tiny("M2M-100").train()
    decoder = model.get_decoder()
    assert decoder.layerdrop == 0.05
    with dropout(model, 0.0):
        assert decoder.layerdrop == 0.0
    assert decoder.layerdrop == 0.05
