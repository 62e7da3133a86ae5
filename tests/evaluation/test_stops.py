"""Stop strings that name special tokens stop, as with lm-eval's `HFLM`; a choice without a token is no choice."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from lm_eval.api.instance import Instance

from suite.core.errors import SuiteError
from suite.evaluation.lm import StackLM
from suite.inference.beam import beam
from suite.inference.decode import Stops
from suite.models.adapted import AdaptedModel
from suite.models.backbone import Backbone
from tests.evaluation.test_equal import asked, hflm_says
from tests.evaluation.tiny import RAGGED, greedy, tokenizer
from tests.inference.test_decode import ids, no_stops
from tests.models.tiny_tokenizers import backbone_of


def with_special(backbone: Backbone, *letters: str) -> AdaptedModel:
    """The model with a tokenizer to which some letters are special tokens."""
    words = tokenizer(ends=backbone.shape == "encoder-decoder")
    words.add_special_tokens({"additional_special_tokens": ["<extra_id_0>", "<extra_id_1>", *letters]})
    return AdaptedModel(replace(backbone, tokenizer=words), backbone.model)


def said(backbone: Backbone) -> list[str]:
    """Free answers, a letter a token."""
    stack = AdaptedModel(backbone, backbone.model)
    return [no_stops(stack).text(each) for each in greedy(stack, ids(stack), max_new_tokens=12, stops=no_stops(stack))]


def test_a_special_token_stops_as_in_lm_eval(backbone: Backbone) -> None:
    full = said(backbone)
    letter = next(each for text in full for each in text[1:] if each.isupper())  # no special token's name has one
    stack = with_special(backbone, letter)
    lm = StackLM(stack, batch_tokens=10_000)
    answers = lm.generate_until(asked(RAGGED, [letter]))
    assert answers == [text.partition(letter)[0] for text in full]
    if backbone.shape == "decoder":  # of an encoder-decoder, HFLM looks behind as many tokens as the encoder read
        assert answers == hflm_says(stack.backbone, asked(RAGGED, [letter]), size=1)
    special = stack.backbone.tokenizer.convert_tokens_to_ids(letter)
    for text, (_, each) in zip(full, lm.completions, strict=True):
        assert each.tokens.count(special) == (letter in text)  # nothing is written behind it


def test_a_stop_string_may_span_special_tokens_and_others(backbone: Backbone) -> None:
    full = said(backbone)
    first, second, third = next(
        (text[at], text[at + 1], text[at + 2])
        for text in full
        for at in range(1, len(text) - 2)
        if len(set(text[at : at + 3])) == 3 and " " not in text[at : at + 3]
    )
    stack, stop = with_special(backbone, second), first + second + third
    answers = StackLM(stack, batch_tokens=10_000).generate_until(asked(RAGGED, [stop]))
    assert answers == [text.partition(stop)[0].replace(second, "") for text in full]
    assert any(stop in text for text in full)


def test_answers_by_beams_are_cut_at_a_special_token(backbone: Backbone) -> None:
    plain = AdaptedModel(backbone, backbone.model)
    free = [no_stops(plain).text(each) for each in beam(plain, ids(plain), max_new_tokens=8, beams=2)]
    letter = next(each for text in free for each in text[1:] if each.isupper())  # no special token's name has one
    lm = StackLM(with_special(backbone, letter), batch_tokens=10_000, beams=2)
    assert lm.generate_until(asked(RAGGED, [letter], limit=8)) == [text.partition(letter)[0] for text in free]


@pytest.mark.parametrize("name", ["word-level", "Llama 2", "byte-level", "T5"])
@pytest.mark.parametrize(
    ("stop", "before"),
    [(["<extra_id_2>"], "True or"), (["<extra_id_2>False", "<extra_id_2> False"], "True or"), ([" or"], "True")],
)
def test_the_text_before_a_stop_string_is_the_same_for_all_tokenizers(name: str, stop: list[str], before: str) -> None:
    words: Any = backbone_of(name).tokenizer
    stops, answer = Stops(words, stop), words.encode("True or<extra_id_2>False </s> no", add_special_tokens=False)
    reached = next(count for count in range(1, len(answer) + 1) if stops.reached(answer[:count]))
    assert stops.before(answer) == stops.before(answer[:reached]) == before
    assert "no" not in words.decode(answer[:reached])
    assert not Stops(words, ("<extra_id_1>",)).reached(answer)
    assert Stops(words, ()).before(answer) == words.decode(answer, skip_special_tokens=True)


def test_a_choice_without_a_token_is_an_error_that_names_the_document(backbone: Backbone) -> None:
    lm = StackLM(AdaptedModel(backbone, backbone.model), batch_tokens=1000)
    choices = [Instance("loglikelihood", {}, ("two", each), at, ("tiny", 1, 1)) for at, each in enumerate(["a", ""])]
    with pytest.raises(SuiteError, match=r"^document 1: the answer '' adds no token to its prompt, so"):
        lm.loglikelihood(choices)


def test_merged_choices_are_scored_on_their_own_tokens() -> None:
    backbone = backbone_of("byte-level that merges across words")
    backbone.model.resize_token_embeddings(len(backbone.tokenizer))
    lm = StackLM(AdaptedModel(backbone, backbone.model), batch_tokens=1000)
    pairs = [("is it? answer:", each) for each in (" True", " no", "!")]
    scores = lm.loglikelihood([Instance("loglikelihood", {}, pair, at) for at, pair in enumerate(pairs)])
    assert all(value < -1 for value, _ in scores)
