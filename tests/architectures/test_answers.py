"""Every architecture: answers are those of `generate`, and likelihoods those of one plain call."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from suite.core.errors import SuiteError
from suite.inference.beam import beam
from suite.inference.decode import Stops, decode
from suite.inference.likelihood import score_continuations
from suite.inference.prefix_support import supports_shared_prefix
from suite.inference.shared_prefix import read_shared_prefix
from suite.inference.state import Ids
from suite.models.adapted import AdaptedModel
from suite.models.architecture import prefix_obstacle
from suite.models.backbone import Backbone
from tests.architectures.answers import (
    CONTINUATIONS,
    LIMIT,
    PROMPTS,
    generated,
    greedy_by_calls,
    likelihoods,
    plain,
    with_prefix,
    with_soft,
)

NO_EMBEDDINGS = {"Falcon-H1", "Gemma 3, with images"}
"""`generate` of these models takes no embeddings."""
STATES_INSIDE = {"RecurrentGemma"}
"""These models have their states in their modules. `generate` begins a prompt of one token with those of the text
before, and does not reorder them with beams."""


def refused(backbone: Backbone, make: Callable[[Backbone], AdaptedModel]) -> bool:
    """Whether the model is refused a prefix, as the plan refuses it by its config.json."""
    config: Any = backbone.model.config
    obstacle = prefix_obstacle(json.loads(config.to_json_string(use_diff=True)))
    if make is with_prefix and obstacle is not None:
        with pytest.raises(SuiteError, match=obstacle):
            make(backbone)
    return make is with_prefix and obstacle is not None


def answers(adapted: AdaptedModel, prompts: list[Ids]) -> list[list[int]]:
    stops = Stops(adapted.backbone.tokenizer, ())
    return [each.tokens for each in decode(adapted, prompts, max_new_tokens=LIMIT, stops=stops)]


@pytest.mark.parametrize("kind", PROMPTS)
@pytest.mark.parametrize("make", [plain, with_soft, with_prefix])
def test_answers_of_batches_are_those_of_generate_for_each_prompt(
    family: str, backbone: Backbone, make: Callable[[Backbone], AdaptedModel], kind: str
) -> None:
    if refused(backbone, make):
        return
    adapted = make(backbone)
    by_calls = family in STATES_INSIDE or (family in NO_EMBEDDINGS and make is not plain)
    expected = greedy_by_calls if by_calls else generated
    assert answers(adapted, PROMPTS[kind]) == [expected(adapted, prompt) for prompt in PROMPTS[kind]]


def test_beams_are_those_of_generate(family: str, backbone: Backbone) -> None:
    if family in STATES_INSIDE:
        pytest.skip("generate itself answers otherwise with beams")
    adapted = plain(backbone)
    found = beam(adapted, PROMPTS["ragged"], max_new_tokens=LIMIT, beams=3)
    assert found == [generated(adapted, prompt, beams=3) for prompt in PROMPTS["ragged"]]


@pytest.mark.parametrize("kind", PROMPTS)
@pytest.mark.parametrize("make", [plain, with_soft, with_prefix])
def test_likelihoods_of_batches_are_those_of_one_call(
    backbone: Backbone, make: Callable[[Backbone], AdaptedModel], kind: str
) -> None:
    if refused(backbone, make):
        return
    adapted = make(backbone)
    prompts = PROMPTS[kind]
    cache = read_shared_prefix([adapted], [prompts]) if supports_shared_prefix(adapted) else None
    scores = score_continuations(adapted, prompts, [CONTINUATIONS] * len(prompts), cache)
    found = [value for of_prompt in scores for value, _ in of_prompt]
    assert found == pytest.approx(likelihoods(adapted, prompts), rel=1e-4, abs=1e-4)
