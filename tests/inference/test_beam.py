"""Beam search: `generate(num_beams=...)` token for token, whatever the batch, and each prompt read once."""

from __future__ import annotations

import random
from typing import Any

import pytest
import torch
from lm_eval.api.instance import Instance
from torch.nn import functional

from suite.evaluation.lm import StackLM
from suite.inference.beam import beam
from suite.inference.decode import Stops, end_tokens
from suite.inference.prefix_support import supports_shared_prefix
from suite.inference.reading import read
from suite.inference.state import Ids, padded
from suite.models.adapted import AdaptedModel
from suite.models.backbone import Backbone
from tests.evaluation.test_multi_adapter import gpt2
from tests.evaluation.tiny import CHARACTERS, RAGGED, SPECIAL, greedy, with_both

ENDS = [1, *range(10, 30)]
"""Many tokens end an answer, so that searches end at different times."""


def flat(stack: AdaptedModel, ends: list[int]) -> AdaptedModel:
    """A model that is less sure of itself, so that a search finds what greedy decoding does not."""
    model: Any = stack.model
    scale = 0.8 if stack.backbone.shape == "decoder" else 0.08
    model.get_output_embeddings().register_forward_hook(lambda _, __, logits: logits * scale)
    model.generation_config.eos_token_id = ends
    return stack


def prompts(count: int, longest: int = 40, start: Ids = ()) -> list[Ids]:
    rng = random.Random(count)
    words = range(len(SPECIAL), len(SPECIAL) + len(CHARACTERS))
    return [(*start, *rng.choices(words, k=rng.randint(1, longest))) for _ in range(count)]


def theirs(stack: AdaptedModel, prompt: Ids, limit: int, beams: int) -> list[int]:
    """What transformers' own search gives for one prompt alone."""
    tokens = torch.tensor([prompt])
    embeds, _ = stack.embed(tokens, torch.ones_like(tokens), side="left")
    if stack.backbone.shape == "decoder":  # `generate` leaves out what the cache holds already
        embeds = functional.pad(embeds, (0, 0, stack.prefix_length, 0))
    mask, model = torch.ones(embeds.shape[:2], dtype=torch.long), stack.model
    inputs = {"inputs_embeds": embeds, "attention_mask": mask, **stack.prefix_inputs(beams)}
    ends = sorted(end_tokens(stack))
    out = model.generate(**inputs, max_new_tokens=limit, num_beams=beams, do_sample=False, eos_token_id=ends)
    return until(out[0, stack.backbone.shape == "encoder-decoder" :].tolist(), ends)


def until(answer: list[int], ends: list[int]) -> list[int]:
    return next((answer[:at] for at, token in enumerate(answer) if token in ends), answer)


@pytest.mark.parametrize(("beams", "limit", "ends"), [(4, 12, ENDS), (3, 5, [1])])
def test_answers_are_those_of_generate_token_by_token(
    stack: AdaptedModel, beams: int, limit: int, ends: list[int]
) -> None:
    stack, asked = flat(stack, ends), prompts(12)
    answers = beam(stack, asked, max_new_tokens=limit, beams=beams)
    assert answers == [theirs(stack, prompt, limit, beams) for prompt in asked]
    assert answers != greedy(stack, asked, max_new_tokens=limit, stops=Stops(stack.backbone.tokenizer, ()))
    assert len({len(answer) for answer in answers}) > 3 or ends == [1]


@pytest.mark.parametrize("beams", [2, 7])
def test_a_batch_padded_by_transformers_gives_the_same(backbone: Backbone, beams: int) -> None:
    stack, asked = flat(AdaptedModel(backbone, backbone.model), ENDS), prompts(40)
    tokens, mask = padded(asked, stack, side="left")
    model: Any = backbone.model
    out = model.generate(input_ids=tokens, attention_mask=mask, max_new_tokens=8, num_beams=beams, do_sample=False)
    out = out[:, 1 if backbone.shape == "encoder-decoder" else tokens.shape[1] :]
    wanted = [until(row, ENDS) for row in out.tolist()]
    assert beam(stack, asked, max_new_tokens=8, beams=beams) == wanted
    assert len({len(answer) for answer in wanted}) > 5


@pytest.mark.parametrize("limit", [1, 2, 30])
def test_equally_likely_answers_are_chosen_as_transformers_chooses(backbone: Backbone, limit: int) -> None:
    stack = flat(AdaptedModel(backbone, backbone.model), ENDS)
    backbone.model.get_output_embeddings().weight.data.zero_()
    (answer,) = beam(stack, [(7, 8)], max_new_tokens=limit, beams=4)
    assert answer == theirs(stack, (7, 8), limit, 4)


def test_a_prompt_that_is_done_leaves_and_the_others_go_on(stack: AdaptedModel) -> None:
    stack, asked = flat(stack, ENDS), prompts(12)
    alone = [beam(stack, [prompt], max_new_tokens=12, beams=4)[0] for prompt in asked]
    rows: list[int] = []
    model: Any = stack.model
    model.get_output_embeddings().register_forward_pre_hook(lambda _, given: rows.append(len(given[0])))
    assert beam(stack, asked, max_new_tokens=12, beams=4) == alone
    steps = rows[-11:]
    assert steps == sorted(steps, reverse=True)
    assert len(set(steps)) > 2
    assert all(count % 4 == 0 for count in steps)


def test_each_prompt_is_read_once_and_what_all_share_once(backbone: Backbone) -> None:
    stack = with_both(backbone)
    start = tuple(stack.backbone.tokenizer.encode("Q: one A: two. Q: three A: four. ", add_special_tokens=False))
    asked, model = prompts(5, start=start), backbone.model
    two_sided = backbone.shape == "encoder-decoder"
    assert supports_shared_prefix(stack) != two_sided
    read: list[int] = []
    block: Any = model.encoder.block[0] if two_sided else model.model.layers[0]  # type: ignore[union-attr]
    block.register_forward_hook(lambda _, given, out: read.append(given[0].shape[0] * given[0].shape[1]))
    beam(stack, asked, max_new_tokens=1, beams=4)
    lengths = [len(prompt) for prompt in asked]
    if two_sided:
        assert read == [5 * (5 + max(lengths))]
    else:
        assert read[0] == 5 + len(start)  # the soft prompt and the shared text, behind the prefix
        assert sum(read[1:]) <= 1.25 * sum(length - len(start) for length in lengths)


FEW = (1, 7, 8, 9)
"""The end token and three others: few enough to look at every answer."""


def narrowed(stack: AdaptedModel) -> AdaptedModel:
    """A model that writes a few tokens only, none of them surely."""
    model: Any = stack.model
    wall = torch.full((model.config.vocab_size,), -1e4)
    wall[list(FEW)] = 0.0
    scale = 0.3 if stack.backbone.shape == "decoder" else 0.05
    model.get_output_embeddings().register_forward_hook(lambda _, __, logits: logits * scale + wall)
    model.generation_config.eos_token_id = FEW[0]
    return stack


class Likely:
    """Log-likelihoods of next tokens, one prompt and one token at a time."""

    def __init__(self, stack: AdaptedModel, prompt: Ids) -> None:
        self.stack, self.prompt = stack, prompt
        self.known: dict[Ids, torch.Tensor] = {}

    @torch.no_grad()
    def __call__(self, tokens: Ids) -> torch.Tensor:
        if tokens not in self.known:
            state = read(self.stack, [self.prompt])
            for token in tokens:
                state.step(torch.tensor([token]))
            self.known[tokens] = state.logits[0].log_softmax(-1)
        return self.known[tokens]


def best_of_all(likely: Likely, limit: int, alpha: float) -> list[int]:
    """The best answer that ends in time, by looking at each."""
    found: list[tuple[float, Ids]] = []
    open_ones: list[tuple[float, Ids]] = [(0.0, ())]
    for length in range(1, limit + 1):
        found += [((value + float(likely(tokens)[1])) / ((5 + length) / 6) ** alpha, tokens)
                  for value, tokens in open_ones]  # fmt: skip
        open_ones = [(value + float(likely(tokens)[token]), (*tokens, token))
                     for value, tokens in open_ones for token in FEW[1:]]  # fmt: skip
    return list(max(found)[1])


@pytest.mark.parametrize("alpha", [0.0, 0.6, 2.0])
def test_a_wide_search_with_a_length_penalty_finds_the_best_of_all_answers(backbone: Backbone, alpha: float) -> None:
    stack, asked = narrowed(AdaptedModel(backbone, backbone.model)), prompts(3)
    wanted = [best_of_all(Likely(stack, prompt), 4, alpha) for prompt in asked]
    assert beam(stack, asked, max_new_tokens=4, beams=30, length_penalty=alpha) == wanted


def t5x(likely: Likely, limit: int, beams: int, alpha: float) -> list[int]:
    """T5X's search as its code has it, for one prompt: 2 beams of candidates, finished ones kept apart."""
    live: list[tuple[float, Ids]] = [(0.0, ())]
    finished: list[tuple[float, Ids]] = []
    for length in range(1, limit + 1):
        all_of_them = [(value + float(each), (*tokens, token))
                       for value, tokens in live for token, each in enumerate(likely(tokens))]  # fmt: skip
        candidates = sorted(all_of_them, reverse=True)[: 2 * beams]
        over = [(value / ((5 + length) / 6) ** alpha, tokens) for value, tokens in candidates if tokens[-1] == 1]
        finished = sorted([*finished, *over], reverse=True)[:beams]
        live = [each for each in candidates if each[1][-1] != 1][:beams]
        if len(finished) == beams and finished[-1][0] > live[0][0] / ((5 + limit) / 6) ** alpha:
            break
    return list(finished[0][1][:-1]) if finished else list(live[0][1])


@pytest.mark.parametrize("alpha", [0.0, 0.6, 1.5])
def test_with_a_length_penalty_the_search_is_that_of_t5x(backbone: Backbone, alpha: float) -> None:
    stack, asked = narrowed(AdaptedModel(backbone, backbone.model)), prompts(6)
    answers = beam(stack, asked, max_new_tokens=6, beams=2, length_penalty=alpha)
    assert answers == [t5x(Likely(stack, prompt), 6, 2, alpha) for prompt in asked]
    assert any(answers)


def test_a_larger_length_penalty_prefers_longer_answers(stack: AdaptedModel) -> None:
    stack, asked = narrowed(stack), prompts(12)

    def length(alpha: float) -> int:
        return sum(map(len, beam(stack, asked, max_new_tokens=8, beams=4, length_penalty=alpha)))

    assert length(0.0) <= length(0.6) <= length(3.0)
    assert length(0.0) < length(3.0)


def test_where_no_answer_ends_in_time_the_likeliest_open_one_is_taken(backbone: Backbone) -> None:
    stack = narrowed(AdaptedModel(backbone, backbone.model))
    backbone.model.get_output_embeddings().register_forward_hook(  # no end token is ever likely
        lambda _, __, logits: logits - 1e4 * functional.one_hot(torch.tensor(1), logits.shape[-1])
    )
    (answer,) = beam(stack, [(7, 8)], max_new_tokens=3, beams=2, length_penalty=0.6)
    assert answer == t5x(Likely(stack, (7, 8)), 3, 2, 0.6)
    assert len(answer) == 3


@pytest.mark.parametrize("kind", ["gpt2", "mistral"])
def test_other_decoders_search_as_generate_does(kind: str) -> None:
    backbone = gpt2(kind)
    stack, asked = flat(AdaptedModel(backbone, backbone.model), ENDS), prompts(10)
    answers = beam(stack, asked, max_new_tokens=8, beams=4)
    assert answers == [theirs(stack, prompt, 8, 4) for prompt in asked]


def test_a_models_own_defaults_change_nothing(backbone: Backbone) -> None:
    stack, asked = flat(AdaptedModel(backbone, backbone.model), ENDS), prompts(12)
    before = beam(stack, asked, max_new_tokens=12, beams=4)
    backbone.model.generation_config.length_penalty = -5.0
    assert [theirs(stack, prompt, 12, 4) for prompt in asked] != before
    assert beam(stack, asked, max_new_tokens=12, beams=4) == before


def test_stop_strings_cut_the_answer_that_was_found_without_them(stack: AdaptedModel) -> None:
    stack = flat(stack, [1])
    lm = StackLM(stack, batch_tokens=200, beams=4)
    free = [Instance("generate_until", {}, (text, {"until": [], "max_gen_toks": 9}), 0) for text in RAGGED]
    whole = lm.generate_until(free)
    said = [stack.backbone.tokenizer.decode(theirs(stack, prompt, 9, 4), skip_special_tokens=True)
            for prompt, _ in lm.completions]  # fmt: skip
    assert whole == said
    stop = max(whole, key=len)[3:5]  # across the border of two tokens
    asked = [Instance("generate_until", {}, (text, {"until": [stop], "max_gen_toks": 9}), 0) for text in RAGGED]
    assert lm.generate_until(asked) == [text.partition(stop)[0] for text in whole] != whole


def test_the_model_for_lm_eval_ranks_with_the_penalty_that_it_is_given(backbone: Backbone) -> None:
    stack = narrowed(AdaptedModel(backbone, backbone.model))
    asked = [Instance("generate_until", {}, (text, {"until": [], "max_gen_toks": 9}), 0) for text in RAGGED]

    def answers(alpha: float | None) -> list[str]:
        return StackLM(stack, batch_tokens=200, beams=4, length_penalty=alpha).generate_until(asked)

    lm = StackLM(stack, batch_tokens=200, beams=4)
    assert lm.generate_until(asked) == answers(None)
    prompts_of = [prompt for prompt, _ in lm.completions]
    wanted = beam(stack, prompts_of, max_new_tokens=9, beams=4, length_penalty=3.0)
    assert answers(3.0) == [stack.backbone.tokenizer.decode(each, skip_special_tokens=True) for each in wanted]
    assert answers(3.0) != answers(0.0)
