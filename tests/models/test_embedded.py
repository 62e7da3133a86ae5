"""Tokenizers that know more tokens than the model: a pad token is only masked, any other is refused when it is read."""

from __future__ import annotations

import pytest

from suite.core.errors import SuiteError
from suite.inference.decode import Stops
from suite.models.adapted import AdaptedModel
from suite.models.backbone import Backbone, as_backbone
from suite.models.tokens import encode_prompt
from tests.evaluation.tiny import greedy
from tests.models.tiny_models import SHAPES, Shape, tiny_model, tiny_tokenizer

TEXTS = ("w1 w2 red", "w3")


def backbone(shape: Shape, **tokens: str) -> Backbone:
    """A model whose tokenizer got tokens beyond its embedding."""
    words = tiny_tokenizer()
    words.add_special_tokens(tokens) if "pad_token" in tokens or "eos_token" in tokens else words.add_tokens(
        list(tokens.values())
    )
    return as_backbone(tiny_model(shape), words, "tiny", device="cpu")


def answers(model: Backbone, *texts: str) -> list[list[int]]:
    prompts = [tuple(encode_prompt(model, text)) for text in texts]
    return greedy(AdaptedModel(model, model.model), prompts, max_new_tokens=4, stops=Stops(model.tokenizer, ()))


@pytest.mark.parametrize("shape", SHAPES)
def test_a_pad_token_without_an_embedding_changes_nothing(shape: Shape) -> None:
    sound = as_backbone(tiny_model(shape), tiny_tokenizer(), "tiny", device="cpu")
    assert answers(backbone(shape, pad_token="[PAD]"), *TEXTS) == answers(sound, *TEXTS)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_word_without_an_embedding_is_refused_by_name(shape: Shape) -> None:
    model = backbone(shape, word="zebra")
    answers(model, *TEXTS)
    with pytest.raises(SuiteError, match=r"the token 'zebra' has the id 59, and the model has 59 embeddings; resize"):
        answers(model, "w1 zebra w2")


def test_an_end_token_without_an_embedding_is_refused_at_once() -> None:
    with pytest.raises(SuiteError, match="the end token has the id 59, and the model has 59 embeddings"):
        backbone("decoder", eos_token="[END]")
