"""Hard cases of both shapes: what lm-eval's own `HFLM` says, or `generate`, or the plain model on one text alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
import torch
from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM
from torch import Tensor

from suite.core.errors import SuiteError
from suite.evaluation.evaluate import evaluate
from suite.evaluation.lm import StackLM, generate_together
from suite.evaluation.multi_adapter import evaluate_together
from suite.inference.decode import Stops
from suite.models.adapted import AdaptedModel
from suite.models.apply import applied
from suite.models.artifacts.weights import Weights
from suite.models.backbone import Backbone
from suite.tasks.load import load_task
from tests.evaluation.test_multi_adapter import stacks
from tests.evaluation.test_scores import CHOICE, DOCS, QA, TRAIN, theirs
from tests.evaluation.tiny import RAGGED, MakeTask, greedy, llama, mt5, tokenizer, with_prefix, with_soft
from tests.inference.test_decode import generated, ids, no_stops
from tests.models.test_apply import lora

CHOICES = (" yes", " no, never", "n", " why not ask")


def asked(texts: Sequence[str], until: Sequence[str] = (), limit: int = 12) -> list[Instance]:
    # HFLM counts a decoder's start token, and lets it write as much as the encoder reads unless told
    settings = {"until": list(until), "max_gen_toks": limit, "max_length": limit + 1}
    return [Instance("generate_until", {}, (text, settings), 0) for text in texts]


def hflm(backbone: Backbone, size: int, **options: Any) -> Any:
    return HFLM(pretrained=backbone.model, tokenizer=backbone.tokenizer, batch_size=size, **options)


def hflm_says(backbone: Backbone, requests: list[Instance], size: int = 3, **options: Any) -> list[str]:
    if backbone.shape == "decoder":
        for request in requests:
            request.args[1].pop("max_length", None)
    return hflm(backbone, size, **options).generate_until(requests, True)  # type: ignore[no-any-return]


def likelihood(stack: AdaptedModel, context: str, continuation: str) -> float:
    """Of one continuation by the model itself, without a cache."""
    read = stack.backbone.tokenizer.encode(context)
    said = stack.backbone.tokenizer.encode(continuation, add_special_tokens=False)
    two_sided = stack.backbone.shape == "encoder-decoder"
    tokens = torch.tensor([read if two_sided else [*read, *said]])
    embeds, mask = stack.embed(tokens, torch.ones_like(tokens), side="left")
    given: dict[str, Any] = {"decoder_input_ids": torch.tensor([[0, *said[:-1]]])} if two_sided else {}
    if stack.prefix is not None and not two_sided:
        mask = torch.ones(1, mask.shape[1] + stack.prefix_length, dtype=torch.long)
    with torch.no_grad():
        logits: Tensor = stack.model(
            inputs_embeds=embeds, attention_mask=mask, **given, **stack.prefix_inputs(1)
        ).logits[0]
    likely = logits[-len(said) :] if two_sided else logits[-len(said) - 1 : -1]
    return float(likely.log_softmax(-1).gather(1, torch.tensor(said)[:, None]).sum())


def pieces(backbone: Backbone) -> Backbone:
    """The model with a tokenizer of which some tokens are two characters, so that a stop string may begin in one."""
    words = tokenizer(ends=backbone.shape == "encoder-decoder")
    inner = words.backend_tokenizer.to_str()
    for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ":
        inner = inner.replace(f'"{letter}":', f'"{letter.lower()}{letter}":', 1)
    words._tokenizer = words.backend_tokenizer.from_str(inner)
    return replace(backbone, tokenizer=words)


def test_stop_strings_that_begin_in_one_token_and_end_in_another_cut_as_in_lm_eval(backbone: Backbone) -> None:
    split = pieces(backbone)
    stack = AdaptedModel(split, split.model)
    free = greedy(stack, ids(stack), max_new_tokens=12, stops=no_stops(stack))
    text = no_stops(stack).text
    # the end of one token and the beginning of the next, where either has two characters
    said = [[text([token]) for token in answer] for answer in free]
    ends = {one[-1] + two[0] for answer in said for one, two in pairwise(answer) if one and two and len(one + two) > 2}
    for stop in sorted(ends)[:3]:
        ours = StackLM(stack, batch_tokens=200)
        answers = ours.generate_until(asked(RAGGED, [stop]))
        assert answers == hflm_says(split, asked(RAGGED, [stop]))
        assert answers != [text(answer) for answer in free]
        assert all(stop not in text(each.tokens[:-1]) for _, each in ours.completions)


def test_several_stop_strings_cut_at_the_first_as_in_lm_eval(backbone: Backbone) -> None:
    stack = AdaptedModel(backbone, backbone.model)
    whole = StackLM(stack, batch_tokens=200).generate_until(asked(RAGGED))
    stops = [text[at : at + 2] for text, at in zip(whole, (7, 5, 3, 1), strict=False) if len(text) > at]
    said = StackLM(stack, batch_tokens=200).generate_until(asked(RAGGED, stops))
    assert said == hflm_says(backbone, asked(RAGGED, stops))
    assert len({len(text) for text in said}) > 3


def test_an_empty_prompt_is_answered_as_the_token_that_stands_for_it(stack: AdaptedModel) -> None:
    lm = StackLM(stack, batch_tokens=10_000)
    said = lm.generate_until(asked(["", *RAGGED, ""]))
    wanted = Stops(lm.tokenizer, ()).text(generated(stack, (lm.prefix_token_id,), 12))
    assert said[0] == said[-1] == wanted
    assert said[1:-1] == StackLM(stack, batch_tokens=10_000).generate_until(asked(RAGGED))


def test_empty_contexts_are_scored_as_in_lm_eval(backbone: Backbone) -> None:
    pairs = [(text, end) for text in ("", *RAGGED[:3]) for end in CHOICES]
    requests = [Instance("loglikelihood", {}, pair, 0) for pair in pairs]
    ours = StackLM(AdaptedModel(backbone, backbone.model), batch_tokens=300).loglikelihood(requests)
    for (value, is_greedy), (right, also) in zip(ours, hflm(backbone, 3).loglikelihood(requests, True), strict=True):
        assert value == pytest.approx(right, rel=1e-5, abs=1e-4)
        assert is_greedy == also


def test_prompts_that_are_too_long_are_cut_as_lm_eval_cuts_each_alone(backbone: Backbone) -> None:
    texts = [*RAGGED, "abcdefgh" * 12, "hgfedcba" * 12]
    lm = StackLM(AdaptedModel(backbone, backbone.model), batch_tokens=300, max_length=40)
    said = lm.generate_until(asked(texts))
    assert said == hflm_says(backbone, asked(texts), size=1, max_length=40)  # in a batch, HFLM cuts its padding too
    assert len(lm.truncated) == 5 + (backbone.shape == "decoder")


def test_documents_that_share_a_context_are_scored_as_in_lm_eval(backbone: Backbone, make_task: MakeTask) -> None:
    docs = [{**doc, "choice": (doc["choice"] + more) % 4} for more in (0, 1) for doc in DOCS]  # type: ignore[operator]
    task = load_task(*make_task(CHOICE, docs, TRAIN), shots=1)
    ours = evaluate(AdaptedModel(backbone, backbone.model), task, batch_tokens=300)
    scores, _ = theirs(backbone, task)
    assert {score.metric: score.value for score in ours.scores} == {
        key.partition(",")[0]: value * 100 for key, value in scores.items()
    }
    half = len(DOCS)
    assert [each.output for each in ours.answers[:half]] == [each.output for each in ours.answers[half:]]
    assert [each.target for each in ours.answers[:half]] != [each.target for each in ours.answers[half:]]


def test_a_context_is_read_once_for_all_that_is_scored_after_it(backbone: Backbone) -> None:
    stack, read = AdaptedModel(backbone, backbone.model), []
    model: Any = backbone.model
    first = model.encoder.block[0] if backbone.shape == "encoder-decoder" else model.model.layers[0]
    first.register_forward_pre_hook(lambda _, given: read.append(given[0].shape[:2]))
    context = "one context of all, and it is long"
    requests = [Instance("loglikelihood", {}, (context, end), 0) for end in CHOICES * 2]
    StackLM(stack, batch_tokens=10_000).loglikelihood(requests)
    assert sum(rows * length for rows, length in read) < 3 * len(context) + 8 * max(map(len, CHOICES))


@pytest.mark.parametrize("make", [with_soft, with_prefix])
@pytest.mark.parametrize("length", [1, 2, 33])
def test_soft_prompts_and_prefixes_of_any_length_answer_as_generate(backbone: Backbone, make: Any, length: int) -> None:
    stack = make(backbone, length)
    answers = greedy(stack, ids(stack), max_new_tokens=8, stops=no_stops(stack))
    assert answers == [generated(stack, prompt, 8) for prompt in ids(stack)]
    bare = AdaptedModel(backbone, backbone.model)
    assert answers != greedy(bare, ids(bare), max_new_tokens=8, stops=no_stops(bare))


@pytest.mark.parametrize("start", ["", "Q: one A: two. "])
def test_likelihoods_are_those_of_the_model_on_each_text_alone(stack: AdaptedModel, start: str) -> None:
    pairs = [(start + text, end) for text in RAGGED for end in CHOICES[: 1 + len(text) % 4]]
    ours = StackLM(stack, batch_tokens=400).loglikelihood([Instance("loglikelihood", {}, pair, 0) for pair in pairs])
    wanted = [likelihood(stack, *pair) for pair in pairs]
    assert [value for value, _ in ours] == pytest.approx(wanted, rel=1e-4, abs=1e-3)


def test_stacks_in_one_batch_answer_as_generate_does_for_each(backbone: Backbone) -> None:
    several = stacks(backbone)
    answers = generate_together([StackLM(each, batch_tokens=300) for each in several], asked(RAGGED, limit=8))
    for each, said in zip(several, answers, strict=True):
        stops = Stops(backbone.tokenizer, ())
        assert said == [stops.text(generated(each, prompt, 8)) for prompt in ids(each)]


def test_stacks_on_one_adapter_stand_in_one_batch(backbone: Backbone, make_task: MakeTask) -> None:
    task = load_task(*make_task(QA, DOCS, TRAIN), shots=1)
    with applied(backbone, [lora(backbone)]) as adapted:
        several = [adapted, *(replace(adapted, soft=with_soft(backbone, length).soft) for length in (2, 7))]
        together = evaluate_together(several, task, batch_tokens=5000)
        alone = [evaluate(stack, task, batch_tokens=300) for stack in several]
    assert [each.answers for each in together] == [each.answers for each in alone]
    assert together[0].answers != evaluate(AdaptedModel(backbone, backbone.model), task, batch_tokens=300).answers


def test_adapters_and_weights_are_never_mixed(backbone: Backbone, make_task: MakeTask) -> None:
    task = load_task(*make_task(QA, DOCS, TRAIN), shots=1)
    name, weight = next(iter(backbone.model.named_parameters()))
    other = Weights({name: -weight})
    for artifact in (lora(backbone), other):
        with applied(backbone, [artifact]) as changed, applied(backbone, []) as plain:
            for several in ([changed, plain], [with_soft(backbone), changed]):
                with pytest.raises(SuiteError, match="not in effect at once in one model"):
                    evaluate_together(several, task, batch_tokens=300)
    # models of their own answer one after another
    twin = llama(1) if backbone.shape == "decoder" else mt5(1)
    with applied(twin, [lora(twin)]) as changed, applied(backbone, []) as plain:
        together = evaluate_together([changed, plain], task, batch_tokens=300)
        alone = [evaluate(each, task, batch_tokens=300) for each in (changed, plain)]
    assert [each.answers for each in together] == [each.answers for each in alone]
    assert together[0].answers != together[1].answers
