"""Beam search: `generate(num_beams=...)` token for token, whatever the batch, and each prompt read once."""

from __future__ import annotations

import random
from typing import Any

import pytest
import torch
from lm_eval.api.instance import Instance
from torch.nn import functional

from suite.evaluation.beam import beam
from suite.evaluation.decode import Stops, end_tokens
from suite.evaluation.fitting import fits
from suite.evaluation.lm import StackLM
from suite.evaluation.state import Ids, padded
from suite.models.backbone import Backbone
from suite.models.stack import Stacked
from tests.evaluation.test_together import gpt2
from tests.evaluation.tiny import CHARACTERS, RAGGED, SPECIAL, greedy, with_both

ENDS = [1, *range(10, 30)]
"""Many tokens end an answer, so that searches end at different times."""


def flat(stack: Stacked, ends: list[int]) -> Stacked:
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


def theirs(stack: Stacked, prompt: Ids, limit: int, beams: int) -> list[int]:
    """What transformers' own search gives for one prompt alone."""
    tokens = torch.tensor([prompt])
    embeds, _ = stack.embed(tokens, torch.ones_like(tokens), side="left")
    if stack.backbone.shape == "decoder":  # `generate` leaves out what the cache holds already
        embeds = functional.pad(embeds, (0, 0, stack.prefix_length, 0))
    mask, model = torch.ones(embeds.shape[:2], dtype=torch.long), stack.model
    inputs = {"inputs_embeds": embeds, "attention_mask": mask, **stack.behind(beams)}
    ends = sorted(end_tokens(stack))
    out = model.generate(**inputs, max_new_tokens=limit, num_beams=beams, do_sample=False, eos_token_id=ends)
    return until(out[0, stack.backbone.shape == "encoder-decoder" :].tolist(), ends)


def until(answer: list[int], ends: list[int]) -> list[int]:
    return next((answer[:at] for at, token in enumerate(answer) if token in ends), answer)


@pytest.mark.parametrize(("beams", "limit", "ends"), [(4, 12, ENDS), (3, 5, [1])])
def test_answers_are_those_of_generate_token_by_token(stack: Stacked, beams: int, limit: int, ends: list[int]) -> None:
    stack, asked = flat(stack, ends), prompts(12)
    answers = beam(stack, asked, max_new_tokens=limit, beams=beams)
    assert answers == [theirs(stack, prompt, limit, beams) for prompt in asked]
    assert answers != greedy(stack, asked, max_new_tokens=limit, stops=Stops(stack.backbone.tokenizer, ()))
    assert len({len(answer) for answer in answers}) > 3 or ends == [1]


@pytest.mark.parametrize("beams", [2, 7])
def test_a_batch_padded_by_transformers_gives_the_same(backbone: Backbone, beams: int) -> None:
    stack, asked = flat(Stacked(backbone, backbone.model), ENDS), prompts(40)
    tokens, mask = padded(asked, stack, side="left")
    model: Any = backbone.model
    out = model.generate(input_ids=tokens, attention_mask=mask, max_new_tokens=8, num_beams=beams, do_sample=False)
    out = out[:, 1 if backbone.shape == "encoder-decoder" else tokens.shape[1] :]
    wanted = [until(row, ENDS) for row in out.tolist()]
    assert beam(stack, asked, max_new_tokens=8, beams=beams) == wanted
    assert len({len(answer) for answer in wanted}) > 5


@pytest.mark.parametrize("limit", [1, 2, 30])
def test_equally_likely_answers_are_chosen_as_transformers_chooses(backbone: Backbone, limit: int) -> None:
    stack = flat(Stacked(backbone, backbone.model), ENDS)
    backbone.model.get_output_embeddings().weight.data.zero_()
    (answer,) = beam(stack, [(7, 8)], max_new_tokens=limit, beams=4)
    assert answer == theirs(stack, (7, 8), limit, 4)


def test_a_prompt_that_is_done_leaves_and_the_others_go_on(stack: Stacked) -> None:
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
    assert fits(stack) != two_sided
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


@pytest.mark.parametrize("kind", ["gpt2", "mistral"])
def test_other_decoders_search_as_generate_does(kind: str) -> None:
    backbone = gpt2(kind)
    stack, asked = flat(Stacked(backbone, backbone.model), ENDS), prompts(10)
    answers = beam(stack, asked, max_new_tokens=8, beams=4)
    assert answers == [theirs(stack, prompt, 8, 4) for prompt in asked]


def test_a_models_own_defaults_change_nothing(backbone: Backbone) -> None:
    stack, asked = flat(Stacked(backbone, backbone.model), ENDS), prompts(12)
    before = beam(stack, asked, max_new_tokens=12, beams=4)
    backbone.model.generation_config.length_penalty = -5.0
    assert [theirs(stack, prompt, 12, 4) for prompt in asked] != before
    assert beam(stack, asked, max_new_tokens=12, beams=4) == before


def test_stop_strings_cut_the_answer_that_was_found_without_them(stack: Stacked) -> None:
    stack = flat(stack, [1])
    lm = StackLM(stack, batch_tokens=200, beams=4)
    free = [Instance("generate_until", {}, (text, {"until": [], "max_gen_toks": 9}), 0) for text in RAGGED]
    whole = lm.generate_until(free)
    said = [stack.backbone.tokenizer.decode(theirs(stack, prompt, 9, 4), skip_special_tokens=True)
            for prompt, _ in lm.spoken]  # fmt: skip
    assert whole == said
    stop = max(whole, key=len)[3:5]  # across the border of two tokens
    asked = [Instance("generate_until", {}, (text, {"until": [stop], "max_gen_toks": 9}), 0) for text in RAGGED]
    assert lm.generate_until(asked) == [text.partition(stop)[0] for text in whole] != whole
