"""Every architecture with every method: training moves only what it should, and what is saved answers as before."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch

from suite.core.errors import SuiteError
from suite.inference.decode import Stops, decode
from suite.models.adapted import AdaptedModel
from suite.models.apply import applied
from suite.models.artifacts import load_artifact
from suite.models.backbone import Backbone
from suite.models.in_effect import assert_in_effect
from suite.training.data.batches import Collator
from suite.training.data.examples import Encoded
from suite.training.objectives.losses import answer_logits
from tests.architectures.answers import BEGINNING, PROMPTS, logits, plain, with_prefix, with_soft
from tests.architectures.refusals import refusal
from tests.methods.tiny_jobs import TRAINED, config_of, job_for, method_of
from tests.models.tiny_models import bits

METHODS = [name for name in TRAINED if " " not in name]
"""Every method that trains, with its own objective."""


def answered(current: AdaptedModel) -> list[list[int]]:
    stops = Stops(current.backbone.tokenizer, ())
    return [each.tokens for each in decode(current, PROMPTS["ragged"], max_new_tokens=4, stops=stops)]


def first_logits(current: AdaptedModel) -> torch.Tensor:
    return logits(current, PROMPTS["ragged"][1], (7, 8, 9))


@pytest.mark.parametrize("name", METHODS)
def test_a_method_trains_saves_and_answers_again(family: str, backbone: Backbone, name: str, tmp_path: Path) -> None:
    why = refusal(backbone, name)
    job = job_for(name, backbone, tmp_path / "work")
    before, base = bits(backbone.model), first_logits(plain(backbone))
    if why is not None:
        with pytest.raises(SuiteError, match=why):
            method_of(name).train(config_of(name, steps=1), job)
        assert bits(backbone.model) == before
        return
    trained = method_of(name).train(config_of(name, steps=1), job)
    assert bits(backbone.model) == before
    trained.artifact.save(tmp_path / "artifact", base=backbone.identity)
    loaded = load_artifact(tmp_path / "artifact", backbone.identity)
    with applied(backbone, [trained.artifact]) as current:
        assert_in_effect(current)
        adapted, wanted = first_logits(current), answered(current)
    with applied(backbone, [loaded]) as current:
        assert torch.equal(first_logits(current), adapted)
        assert answered(current) == wanted
    assert not torch.equal(adapted, base)
    assert torch.equal(first_logits(plain(backbone)), base)


@pytest.mark.parametrize("make", [plain, with_soft, with_prefix])
@torch.no_grad()
def test_training_sees_the_logits_of_each_text_alone(backbone: Backbone, make: Any) -> None:
    if make is with_prefix and refusal(backbone, "prefix_tuning") is not None:
        return
    adapted, answers = make(backbone), [(7, 8, 9), (10,), (11, 12)]
    for prompts in (PROMPTS["ragged"][:3], [(*BEGINNING, *BEGINNING, 9, word) for word in (20, 21, 22)]):
        examples = [Encoded(prompt, answer, 0) for prompt, answer in zip(prompts, answers, strict=True)]
        found, _ = answer_logits(adapted, Collator(backbone)(examples))
        expected = [logits(adapted, prompt, answer) for prompt, answer in zip(prompts, answers, strict=True)]
        torch.testing.assert_close(found, torch.cat(expected), rtol=1e-4, atol=1e-4)


def test_fine_tuning_moves_all_that_a_text_reaches(family: str, backbone: Backbone, tmp_path: Path) -> None:
    trained = method_of("finetune").train(config_of("finetune", steps=1), job_for("finetune", backbone, tmp_path))
    still = {name for name, _ in backbone.model.named_parameters()} - set(trained.artifact.tensors)
    fixed = {"Pegasus": "embed_positions", "Gemma 3, with images": ".vision_tower|multi_modal_projector"}
    assert {name for name in still if re.search(fixed.get(family, "^$"), name) is None} == set()
