"""Ids of prompts and answers: what is trained is what is asked."""

from __future__ import annotations

import pickle
from random import Random

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

import suite.models.ids
from suite.core.errors import SuiteError
from suite.core.targets import WrittenTarget, following
from suite.models.backbone import as_backbone
from suite.models.ids import KnownIds
from suite.models.tokens import encode_answer, encode_choices, encode_pair, encode_prompt, encode_text, encode_word
from tests.models.tiny_models import tiny_backbone
from tests.models.tiny_tokenizers import DECODERS, NAMES, backbone_of


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


MERGING = "byte-level that merges across words"


def test_where_the_tokenizer_merges_across_the_seam_all_choices_are_scored_from_the_same_place() -> None:
    backbone = backbone_of(MERGING)
    context, choices = encode_choices(backbone, "is it? answer:", [" True", " xyz", "!"])
    wholes = [encode_text(backbone, f"is it? answer:{choice}") for choice in (" True", " xyz", "!")]
    assert encode_prompt(backbone, "is it? answer:") != context  # the colon is merged with what follows
    assert [context + choice for choice in choices] == wholes
    assert words(backbone, choices[0])[0].endswith(":ĠTrue")
    assert encode_choices(backbone, "is it? answer:", ["!"])[0] == encode_prompt(backbone, "is it? answer:")


def test_a_written_answer_follows_the_prompt_as_it_is_asked_where_the_tokenizer_merges() -> None:
    backbone = backbone_of(MERGING)
    prompt, answer = encode_pair(backbone, "is it? answer:", "True")
    assert prompt == encode_prompt(backbone, "is it? answer:")
    assert backbone.tokenizer.decode([*prompt, *answer]) == "<s>is it? answer: True"
    # behind a space of the prompt there is no dummy space
    llama = backbone_of("Llama 2")
    prompt, answer = encode_pair(llama, "is it? answer: ", WrittenTarget("True", before=""))
    assert llama.tokenizer.decode([*prompt, *answer]) == "<s> is it? answer: True"


PIECES = (
    "the", "dog", "True", "answer:", "\n", "\n\n", " ", "  ", ":", "=>", "é", "東京", "12", ".", "<extra_id_1>", "\t",
    "", "no, never", "'s", "\u00a0", "Q:",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_any_answer_behind_any_prompt_reads_as_the_text(name: str) -> None:
    backbone, random = backbone_of(name), Random(name)
    decode, keeps = backbone.tokenizer.decode, type(backbone.tokenizer.backend_tokenizer.model).__name__ == "BPE"
    for _ in range(150):
        prompt, answer = ("".join(random.choices(PIECES, k=random.randint(1, 5))) for _ in range(2))
        target = WrittenTarget(answer, before=random.choice(["", " ", "\n", "=>"]))
        asked, follows = encode_pair(backbone, prompt, target)
        assert asked == encode_prompt(backbone, prompt)
        if prompt and keeps and backbone.shape == "decoder":
            assert decode([*asked, *follows]) == decode(encode_text(backbone, prompt + following(prompt, target)))
        context, (scored,) = encode_choices(backbone, prompt, [following(prompt, target)])
        if prompt.strip() and scored and backbone.shape == "decoder":
            whole = encode_text(backbone, prompt + following(prompt, target))
            assert (context + scored)[-len(whole) :] == whole  # a begin token may stand for a prompt that is all merged


@pytest.mark.parametrize("name", ["byte-level that adds BOS", "byte-level that appends EOS", "T5", "word-level"])
def test_a_continuation_that_adds_no_token_is_empty(name: str) -> None:
    backbone = backbone_of(name)
    _, (nothing, something) = encode_choices(backbone, "the dog answer:", ["", " True"])
    assert (nothing, bool(something)) == ([], True)
    with pytest.raises(SuiteError, match="the answer '' adds no token to its prompt"):
        encode_pair(backbone, "the dog answer:", WrittenTarget("", before="", scored=True))


@pytest.mark.parametrize("name", DECODERS)
@pytest.mark.parametrize("context", ["", "  ", "\n"])
def test_behind_nothing_a_text_is_scored_from_the_begin_token(name: str, context: str) -> None:
    backbone = backbone_of(name)
    first = backbone.tokenizer.bos_token_id
    ids, (found,) = encode_choices(backbone, context, ["yes"])
    assert ids == [backbone.eos_id if first is None else first]
    assert found == list(backbone.tokenizer.encode(f"{context}yes", add_special_tokens=False))


def test_a_text_that_begins_with_bos_gets_no_second_one() -> None:
    for name in ("Llama 2", "byte-level that adds BOS", "BART"):
        backbone = backbone_of(name)
        assert encode_prompt(backbone, "<s>red").count(backbone.tokenizer.bos_token_id) == 1
    assert encode_prompt(backbone, "<s>red")[-1] == backbone.eos_id  # an encoder reads the end of a text


@pytest.mark.parametrize(
    ("name", "wanted"),
    [("word-level", "True"), ("Llama 2", "▁True"), ("byte-level that adds BOS", "ĠTrue"), ("BART", "True")],
)
def test_a_word_is_read_as_within_a_text(name: str, wanted: str) -> None:
    backbone = backbone_of(name)
    assert "".join(words(backbone, encode_word(backbone, "True"))) == wanted


def test_a_target_is_its_answer_and_knows_what_stands_before_it() -> None:
    target = WrittenTarget("True", before="\n", scored=True)
    again = pickle.loads(pickle.dumps(target))
    assert target == again == "True"
    assert (again.before, again.scored, following("Q:", again)) == ("\n", True, "\nTrue")
    assert [following(prompt, "True") for prompt in ("Q:", "Q: ", "")] == [" True", "True", "True"]
