"""Decoding: transformers' `generate` token for token, whatever the batch, and an end exactly where it belongs."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from lm_eval.api.instance import Instance
from torch.nn import functional

from suite.core.errors import StepFailed, SuiteError
from suite.evaluation import lm as lm_module
from suite.evaluation.lm import StackLM
from suite.inference.batching import batches, in_lockstep
from suite.inference.decode import Completion, Stops, decode, end_tokens
from suite.inference.prefix_support import supports_shared_prefix
from suite.inference.state import padded
from suite.models.adapted import AdaptedModel
from tests.evaluation.tiny import RAGGED, greedy, llama, mt5, with_prefix, with_soft


def ids(stack: AdaptedModel) -> list[tuple[int, ...]]:
    return [tuple(stack.backbone.tokenizer.encode(text)) for text in RAGGED]


def no_stops(stack: AdaptedModel) -> Stops:
    return Stops(stack.backbone.tokenizer, ())


def generated(stack: AdaptedModel, prompt: tuple[int, ...], limit: int) -> list[int]:
    """What transformers' own loop gives for one prompt alone."""
    tokens = torch.tensor([prompt])
    embeds, _ = stack.embed(tokens, torch.ones_like(tokens), side="left")
    if stack.backbone.shape == "decoder":  # `generate` leaves out what the cache holds already
        embeds = functional.pad(embeds, (0, 0, stack.prefix_length, 0))
    mask = torch.ones(embeds.shape[:2], dtype=torch.long)
    inputs = {"inputs_embeds": embeds, "attention_mask": mask, **stack.prefix_inputs(1)}
    out = stack.model.generate(**inputs, max_new_tokens=limit, do_sample=False)[0].tolist()
    out = out[1:] if stack.backbone.shape == "encoder-decoder" else out
    return out[: out.index(1)] if 1 in out else out


def request(text: str, limit: int = 8, until: tuple[str, ...] = ()) -> Instance:
    return Instance("generate_until", {}, (text, {"until": list(until), "max_gen_toks": limit}), 0)


def test_answers_are_those_of_generate_token_by_token(stack: AdaptedModel) -> None:
    wanted = [generated(stack, prompt, 12) for prompt in ids(stack)]
    assert greedy(stack, ids(stack), max_new_tokens=12, stops=no_stops(stack)) == wanted
    assert len({tuple(answer) for answer in wanted}) > 4


def test_a_batch_padded_by_transformers_gives_the_same(backbone: Any) -> None:
    stack = AdaptedModel(backbone, backbone.model)
    tokens, mask = padded(ids(stack), stack, side="left")
    out = backbone.model.generate(input_ids=tokens, attention_mask=mask, max_new_tokens=12, do_sample=False)
    out = out[:, 1:] if backbone.shape == "encoder-decoder" else out[:, tokens.shape[1] :]
    texts = backbone.tokenizer.batch_decode(out, skip_special_tokens=True)
    answers = greedy(stack, ids(stack), max_new_tokens=12, stops=no_stops(stack))
    assert backbone.tokenizer.batch_decode(answers, skip_special_tokens=True) == texts


def test_answers_do_not_depend_on_the_batch(stack: AdaptedModel) -> None:
    requests = [request(text) for text in RAGGED]
    one = StackLM(stack, batch_tokens=1).generate_until(requests)
    assert one == StackLM(stack, batch_tokens=10_000).generate_until(requests)
    assert one == StackLM(stack, batch_tokens=10_000).generate_until(requests[::-1])[::-1]


def test_likelihoods_do_not_depend_on_the_batch(stack: AdaptedModel) -> None:
    requests = [
        Instance("loglikelihood", {}, (text, end), 0) for text in RAGGED for end in (" yes", " no, it is not", " y")
    ]
    one = StackLM(stack, batch_tokens=1).loglikelihood(requests)
    many = StackLM(stack, batch_tokens=10_000).loglikelihood(requests)
    assert [greedy for _, greedy in one] == [greedy for _, greedy in many]
    assert [value for value, _ in one] == pytest.approx([value for value, _ in many], rel=1e-5, abs=1e-4)


@pytest.mark.parametrize(("make", "read"), [(with_soft, 60 + 5), (with_prefix, 60)])
def test_what_all_prompts_share_is_read_once_and_changes_nothing(
    make: Any, read: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = make(llama())
    assert supports_shared_prefix(stack)
    prompts = [tuple(stack.backbone.tokenizer.encode("Q: one A: two. " * 4 + text)) for text in RAGGED]
    widths: list[int] = []
    places = stack.backbone.model.model.rotary_emb
    turn = places.forward

    def counted(states: Any, position_ids: Any) -> Any:
        widths.append(states.shape[0] * states.shape[1])
        return turn(states, position_ids)

    monkeypatch.setattr(places, "forward", counted)
    together = greedy(stack, prompts, max_new_tokens=8, stops=no_stops(stack))
    assert widths[0] == read  # one row: the soft prompt and what is shared
    assert together == [generated(stack, prompt, 8) for prompt in prompts]


def test_a_stop_string_ends_an_answer_across_tokens_and_others_go_on() -> None:
    stack = AdaptedModel(llama(), llama().model)
    full = [
        no_stops(stack).text(answer) for answer in greedy(stack, ids(stack), max_new_tokens=12, stops=no_stops(stack))
    ]
    stop = full[1][3:6]  # three tokens of one character each
    stops = Stops(stack.backbone.tokenizer, (stop,))
    answers = greedy(stack, ids(stack), max_new_tokens=12, stops=stops)
    for text, answer in zip(full, answers, strict=True):
        said = stops.text(answer)
        assert said == (text[: text.index(stop) + 3] if stop in text else text)
        assert stops.cut(said) == text.partition(stop)[0]


def test_a_stop_string_is_seen_when_it_ends_inside_a_token() -> None:
    class Words:
        pieces = ("one", "\n", "\ntwo", " ", "\ufffd", "é")

        def decode(self, tokens: list[int], **_: Any) -> str:
            return "".join(self.pieces[token] for token in tokens).replace("\ufffd\ufffd", "é")

    stops = Stops(Words(), ("\n\n", " é"))
    assert not stops.reached([0, 1])
    assert stops.reached([0, 1, 2])
    assert stops.reached([3, 5])
    assert not stops.reached([3, 4])
    assert stops.reached([3, 4, 4])  # two halves of a character
    assert stops.cut("one\n\ntwo") == "one"


def test_an_end_token_ends_an_answer_and_is_no_part_of_it(backbone: Any) -> None:
    stack = AdaptedModel(backbone, backbone.model)
    free = greedy(stack, ids(stack), max_new_tokens=12, stops=no_stops(stack))
    ends = free[2][4]
    backbone.model.generation_config.eos_token_id = [1, ends]
    assert end_tokens(stack) == {1, ends}
    for answer, before in zip(greedy(stack, ids(stack), max_new_tokens=12, stops=no_stops(stack)), free, strict=True):
        assert answer == (before[: before.index(ends)] if ends in before else before)


def test_empty_prompts_are_answered(stack: AdaptedModel) -> None:
    lm = StackLM(stack, batch_tokens=100)
    assert len(lm.generate_until([request(""), request("a")])) == 2
    assert len(lm.loglikelihood([Instance("loglikelihood", {}, ("", " b"), 0)])) == 1


def test_a_prompt_that_is_too_long_loses_its_beginning_and_is_told(stack: AdaptedModel) -> None:
    lm = StackLM(stack, batch_tokens=10_000, max_length=40 + stack.reserved)
    room = 40 - (8 if stack.backbone.shape == "decoder" else 1)  # an encoder has its end token to hold, but no answer
    long = "z" * 50 + "abcdefgh" * 5
    answers = lm.generate_until([request(long), request(long[-room:]), request("short")])
    assert answers[0] == answers[1]
    assert lm.truncated == {long}


def test_no_room_for_a_prompt_is_an_error() -> None:
    for stack, what in ((with_soft(llama()), "soft prompt"), (with_prefix(llama()), "prefix")):
        with pytest.raises(SuiteError, match=f"8 new tokens and a {what} of 5 leave no room"):
            StackLM(stack, batch_tokens=100, max_length=13).generate_until([request("a")])


def test_a_track_caps_the_answers_of_a_task() -> None:
    lm = StackLM(AdaptedModel(llama(), llama().model), batch_tokens=100, max_new_tokens=3)
    assert [len(text) for text in lm.generate_until([request("a", 8), request("a", 2)])] == [3, 2]


def test_sampling_is_refused() -> None:
    lm = StackLM(AdaptedModel(llama(), llama().model), batch_tokens=100)
    with pytest.raises(SuiteError, match="asks for sampling"):
        lm.generate_until([Instance("generate_until", {}, ("a", {"do_sample": True, "until": []}), 0)])


def test_sentinels_mark_the_place_of_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    backbone = mt5(sentinels=True)
    encode, asked = backbone.tokenizer.encode, []

    def says(stack: Any, batch: Any, *, max_new_tokens: int, **_: Any) -> list[list[int]]:
        asked.extend([(backbone.tokenizer.decode(prompt), max_new_tokens) for prompt in batch])
        return [Completion(encode(text, add_special_tokens=False)) for text in ("<extra_id_0> yes", " no.")]

    monkeypatch.setattr(lm_module, "decode", says)
    lm = StackLM(AdaptedModel(backbone, backbone.model), batch_tokens=1000)
    assert lm.generate_until([request("ab"), request("cd")]) == [" yes", " no."]
    assert asked == [("ab <extra_id_0></s>", 9), ("cd <extra_id_0></s>", 9)]
    assert 4 in end_tokens(lm.adapted)  # <extra_id_1>


def test_sentinels_stand_before_a_scored_answer_and_are_not_scored() -> None:
    backbone = mt5(sentinels=True)
    value, _ = StackLM(AdaptedModel(backbone, backbone.model), batch_tokens=100).loglikelihood(
        [Instance("loglikelihood", {}, ("ab", "cd"), 0)]
    )[0]
    tokens = torch.tensor([backbone.tokenizer.encode("ab <extra_id_0>")])
    answer = backbone.tokenizer.encode("<extra_id_0>cd", add_special_tokens=False)
    logits = (
        backbone.model(input_ids=tokens, decoder_input_ids=torch.tensor([[0, *answer[:-1]]])).logits[0].log_softmax(-1)
    )
    assert value == pytest.approx(float(logits[1, answer[1]] + logits[2, answer[2]]), rel=1e-5, abs=1e-4)


def test_memory_that_runs_out_halves_the_batch(monkeypatch: pytest.MonkeyPatch, backbone: Any) -> None:
    stack = AdaptedModel(backbone, backbone.model)
    wanted = StackLM(stack, batch_tokens=10_000).generate_until([request(text) for text in RAGGED])
    sizes: list[int] = []

    def scarce(stack: Any, batch: Any, **options: Any) -> Any:
        sizes.append(options.get("room", len(batch)))
        if sizes[-1] > (100 if "room" in options else 2):
            raise torch.OutOfMemoryError
        return decode(stack, batch, **options)

    monkeypatch.setattr(lm_module, "decode", scarce)
    lm = StackLM(stack, batch_tokens=1000)
    assert lm.generate_until([request(text) for text in RAGGED]) == wanted
    assert sizes == ([1000, 500, 250, 125, 85] if backbone.shape == "decoder" else [8, 4, 2, 2, 4, 2, 2])


def test_processes_that_answer_together_do_not_go_on_in_smaller_batches(
    monkeypatch: pytest.MonkeyPatch, backbone: Any
) -> None:
    calls: list[int] = []

    def scarce(stack: Any, batch: Any, **options: Any) -> Any:
        calls.append(len(batch))
        raise torch.OutOfMemoryError

    monkeypatch.setattr(lm_module, "decode", scarce)
    lm = StackLM(AdaptedModel(backbone, backbone.model), batch_tokens=1000)
    with in_lockstep(), pytest.raises(StepFailed, match=r"lower `decoding\.batch_tokens`"):
        lm.generate_until([request(text) for text in RAGGED])
    assert len(calls) == 1


def test_batches_hold_the_longest_first_within_the_budget() -> None:
    assert list(batches([1, 9, 4, 4], 10)) == [[1], [2, 3], [0]]
    assert list(batches([50], 10)) == [[0]]
