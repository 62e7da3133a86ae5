"""Ids of prompts and answers: what is trained is what is asked."""

from __future__ import annotations

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

import suite.models.ids
from suite.models.backbone import as_backbone
from suite.models.ids import KnownIds
from suite.models.tokens import encode_answer, encode_prompt
from tests.models.tiny_models import tiny_backbone


def words(backbone, ids: list[int]) -> list[str]:  # type: ignore[no-untyped-def]
    return backbone.tokenizer.convert_ids_to_tokens(ids)


def test_a_decoder_answers_after_the_prompt() -> None:
    backbone = tiny_backbone("decoder")
    assert words(backbone, encode_prompt(backbone, "red answer:")) == ["red", "answer:"]
    assert words(backbone, encode_answer(backbone, "red answer:", "True")) == ["True"]


def test_an_encoder_decoder_answers_between_sentinels() -> None:
    backbone = tiny_backbone("encoder-decoder")
    assert words(backbone, encode_prompt(backbone, "red answer:")) == ["red", "answer:", "<extra_id_0>"]
    assert words(backbone, encode_answer(backbone, "red", "True")) == ["<extra_id_0>", "True", "<extra_id_1>"]


def test_an_empty_prompt_is_the_begin_token() -> None:
    backbone = tiny_backbone("decoder")
    assert words(backbone, encode_prompt(backbone, "")) == ["<s>"]
    assert words(backbone, encode_answer(backbone, "", "True")) == ["True"]


@pytest.mark.parametrize(("prompt", "answer", "wanted"), [("ab", "c", ["Ġ", "c"]), ("a ", "bc", ["b", "c"])])
def test_the_prompt_is_the_same_ids_with_and_without_the_answer(prompt: str, answer: str, wanted: list[str]) -> None:
    # a byte-level vocabulary that merges a space with "b" or with what comes before it
    vocab = {token: place for place, token in enumerate(["</s>", "a", "b", "c", "Ġ", "Ġb", "ab"])}
    inner = Tokenizer(models.BPE(vocab, [("Ġ", "b"), ("a", "b")]))
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=inner, eos_token="</s>")
    backbone = as_backbone(tiny_backbone("decoder").model, tokenizer, "x", device="cpu")
    assert words(backbone, encode_answer(backbone, prompt, answer)) == wanted


def test_a_text_is_read_once_and_all_is_forgotten_when_it_is_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    known, read = KnownIds(), []

    def ids(places: list[int]) -> list[list[int]]:
        read.append(list(places))
        return [[place, 7] for place in places]

    assert known.of(["a", "b", "a"], ids) == [(2, 7), (1, 7), (2, 7)]
    assert known.of(["b", "c"], ids) == [(1, 7), (1, 7)]
    assert read == [[2, 1], [1]]
    monkeypatch.setattr(suite.models.ids, "MOST", 5)
    assert known.of(["a"], ids) == [(0, 7)]
