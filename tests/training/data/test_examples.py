"""Examples as ids: the loss is on the answer, and long inputs lose their beginning, counted."""

from __future__ import annotations

import pytest

from suite.core.errors import SuiteError
from suite.evaluation.lm import StackLM
from suite.models.adapted import AdaptedModel
from suite.models.backbone import Backbone
from suite.training.data.examples import encode
from tests.models.tiny_models import Example, tiny_backbone, tiny_examples


def test_an_answer_ends_with_the_end_token(backbone: Backbone) -> None:
    encoding = encode(backbone, tiny_examples(5), max_length=64, soft_length=0)
    assert all(example.target[-1] == backbone.eos_id for example in encoding.examples)
    assert encoding.notice is None


@pytest.mark.parametrize("text", ["w1 red question: answer:", "<s> w1 answer:", "", "w1 " * 70])
def test_what_is_trained_on_is_what_is_asked(backbone: Backbone, text: str) -> None:
    asked = StackLM(AdaptedModel(backbone, backbone.model), batch_tokens=64)._prompts([text], 100)[0]
    (trained,) = encode(backbone, [Example(text, "True")], max_length=128, soft_length=0).examples
    assert trained.prompt == asked


def test_long_prompts_lose_their_beginning(backbone: Backbone) -> None:
    long = Example(" ".join(["w1"] * 50 + ["red", "answer:"]), "True")
    encoding = encode(backbone, [long, tiny_examples(1)[0]], max_length=40, soft_length=10)
    kept = backbone.tokenizer.convert_ids_to_tokens(list(encoding.examples[0].prompt))
    last = ["red", "answer:", *(["<extra_id_0>"] if backbone.sentinels else [])]
    assert kept[-len(last) :] == last
    assert kept[0] == "w1"
    assert len(kept) + (0 if backbone.sentinels else 2) == 30
    assert (encoding.cut_prompts, encoding.cut_answers) == (1, 0)
    assert "1 prompts" in str(encoding.notice)


def test_long_answers_lose_their_end_and_leave_some_prompt(backbone: Backbone) -> None:
    example = Example("w1 w2 answer:", " ".join(["red"] * 50))
    encoding = encode(backbone, [example], max_length=20, soft_length=0)
    assert encoding.cut_answers == 1
    assert len(encoding.examples[0].prompt) >= 3
    assert encoding.examples[0].length <= (20 if backbone.shape == "decoder" else 40)


def test_no_example_and_no_room_are_errors() -> None:
    backbone = tiny_backbone("decoder")
    with pytest.raises(SuiteError, match="no example"):
        encode(backbone, [], max_length=64, soft_length=0)
    with pytest.raises(SuiteError, match="a soft prompt of 60 leaves no room in 64 positions"):
        encode(backbone, tiny_examples(1), max_length=64, soft_length=60)
    with pytest.raises(SuiteError, match=r"`budget\.max_length` of 8 leaves no room for a prompt and an answer"):
        encode(backbone, tiny_examples(1), max_length=8, soft_length=0)
