"""Several stacks in one batch, prompts behind a shared prefix: the answers are those of each stack and prompt alone."""

from __future__ import annotations

import itertools
import os
from dataclasses import replace
from typing import Any

import pytest
import torch
from lm_eval.api.instance import Instance
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    GPT2Config,
    GPT2LMHeadModel,
    MistralConfig,
    MistralForCausalLM,
)

from suite.evaluation import lm as lm_module
from suite.evaluation.evaluate import evaluate
from suite.evaluation.lm import StackLM, generate_together
from suite.evaluation.multi_adapter import evaluate_together
from suite.inference import shared_prefix as trunk_module
from suite.inference import state as state_module
from suite.inference.batching import as_fill_a_batch
from suite.inference.decode import Stops, decode
from suite.inference.prefix_support import may_stand_together, supports_shared_prefix
from suite.inference.shared_prefix import SharedPrefixState, read_shared_prefix
from suite.inference.state import EncoderDecoderState
from suite.inference.suffix_cache import alike
from suite.models.adapted import AdaptedModel
from suite.models.backbone import Backbone, as_backbone
from suite.tasks.load import load_task
from tests.evaluation.test_scores import DOCS, QA, TRAIN
from tests.evaluation.tiny import RAGGED, MakeTask, greedy, llama, mt5, tokenizer, with_both, with_prefix, with_soft
from tests.inference.test_decode import generated


def stacks(backbone: Backbone) -> list[AdaptedModel]:
    """Soft prompts of several lengths, none among them; for a decoder prefixes too."""
    made = [with_soft(backbone), AdaptedModel(backbone, backbone.model), with_soft(backbone, 9)]
    made[2] = replace(made[2], soft=made[2].soft.flip(0), artifacts=("another",))  # type: ignore[union-attr]
    return [*made, with_prefix(backbone), with_both(backbone)] if backbone.shape == "decoder" else made


def requests(start: str = "", stop: str = "qq") -> list[Instance]:
    texts = [start + text for text in (*RAGGED, "", *([] if start else ["z" * 1200]))]
    return [Instance("generate_until", {}, (text, {"until": [stop], "max_gen_toks": 9}), 0) for text in texts]


LIMIT = 25


def ask(text: str, stop: str = "qq") -> Instance:
    return Instance("generate_until", {}, (text, {"until": [stop], "max_gen_toks": LIMIT}), 0)


@pytest.mark.parametrize("start", ["", "Q: one A: two. Q: three A: four. "])
@pytest.mark.parametrize("budget", [60, 300, 2000, 100_000])
def test_stacks_in_one_batch_answer_as_each_alone(backbone: Backbone, start: str, budget: int) -> None:
    several = stacks(backbone)
    assert may_stand_together(several)
    free = StackLM(several[0], batch_tokens=1).generate_until(requests(start))
    asked = requests(start, stop=free[1][2:4])  # across the border of two tokens
    alone = [StackLM(stack, batch_tokens=1) for stack in several]
    lms = [StackLM(stack, batch_tokens=budget) for stack in several]
    answers = generate_together(lms, asked)
    assert answers == [lm.generate_until(asked) for lm in alone]
    assert len({tuple(each) for each in answers}) == len(several)
    for together, by_itself in zip(lms, alone, strict=True):
        assert together.completions == by_itself.completions
        assert (together.tokens, together.truncated) == (by_itself.tokens, by_itself.truncated)
    assert all(lm.truncated for lm in lms) == (not start)


def test_stacks_stand_in_one_batch_indeed(backbone: Backbone, monkeypatch: pytest.MonkeyPatch) -> None:
    several, sizes = stacks(backbone), []

    def counted(adapted: Any, prompts: Any, **options: Any) -> Any:
        sizes.append((len(prompts), len(set(map(id, options["stacks"])))))
        return decode(adapted, prompts, **options)

    monkeypatch.setattr(lm_module, "decode", counted)
    generate_together([StackLM(stack, batch_tokens=1_000_000) for stack in several], requests())
    assert sizes == [(10 * len(several), len(several))]


@pytest.mark.parametrize(
    ("prompts", "budget", "device", "sizes"),
    [
        (8, 100_000, "cpu", [10]), (128, 100_000, "cpu", [2, 2, 2, 2, 2]), (80, 100_000, "cpu", [3, 3, 3, 1]),
        (300, 100_000, "cpu", [1] * 10), (128, 100_000, "cuda", [10]), (8, 500, "cuda", [4, 4, 2]),
        (8, 9, "cuda", [1] * 10),
    ],
)  # fmt: skip
def test_as_many_stacks_stand_together_as_fill_a_batch(
    prompts: int, budget: int, device: str, sizes: list[int]
) -> None:
    asked = [(1, 2, 3, place, 5, 6, 7) for place in range(prompts)]  # three alike and four of their own each
    parts = as_fill_a_batch(range(10), asked, 10, budget, device)
    assert [len(part) for part in parts] == sizes
    assert [asker for part in parts for asker in part] == list(range(10))


def test_those_who_wait_enter_as_others_end(monkeypatch: pytest.MonkeyPatch) -> None:
    backbone = llama()
    stack, sizes = AdaptedModel(backbone, backbone.model), []
    texts = [f"{text} {place}" for place in range(3) for text in RAGGED]
    free = StackLM(stack, batch_tokens=1).generate_until([ask(text) for text in texts])
    stop = free[0][1]  # some answers end soon
    step = SharedPrefixState.step

    def counted(state: SharedPrefixState, tokens: torch.Tensor) -> None:
        sizes.append(len(tokens))
        step(state, tokens)

    alone = StackLM(stack, batch_tokens=1).generate_until([ask(text, stop) for text in texts])
    assert len({len(answer) for answer in alone}) > 3
    monkeypatch.setattr(SharedPrefixState, "step", counted)
    assert StackLM(stack, batch_tokens=500).generate_until([ask(text, stop) for text in texts]) == alone
    grows = [after for before, after in itertools.pairwise(sizes) if after > before]
    assert len(grows) > 2
    assert min(sizes[:-LIMIT]) >= 3


@pytest.mark.skipif(
    "ATEN_CPU_CAPABILITY" in os.environ, reason="torch's half-precision attention asks the processor, not this variable"
)
def test_half_precision_goes_on_from_a_trunk_as_well() -> None:
    backbone = llama()
    exact = StackLM(AdaptedModel(backbone, backbone.model), batch_tokens=500)
    start = "Q: one A: two. Q: three A: four. "
    wanted = exact.loglikelihood([Instance("loglikelihood", {}, (start + text, " to go"), 0) for text in RAGGED])
    backbone.model.to(torch.bfloat16)
    found = exact.loglikelihood([Instance("loglikelihood", {}, (start + text, " to go"), 0) for text in RAGGED])
    for (value, _), (near, _) in zip(wanted, found, strict=True):
        assert near == pytest.approx(value, rel=0.03)


def test_results_of_stacks_together_are_those_of_each(backbone: Backbone, make_task: MakeTask) -> None:
    task = load_task(*make_task(QA, DOCS, TRAIN), shots=2)
    several = stacks(backbone)
    together = evaluate_together(several, task, batch_tokens=5000)
    alone = [evaluate(stack, task, batch_tokens=300) for stack in several]
    assert [replace(result, seconds=0) for result in together] == [replace(result, seconds=0) for result in alone]
    assert len({tuple(answer.output for answer in result.answers) for result in together}) > 1


def test_an_encoder_decoders_prefixes_are_not_mixed() -> None:
    backbone = mt5()
    assert not may_stand_together([with_prefix(backbone), with_soft(backbone)])
    assert not may_stand_together([with_soft(llama()), with_soft(llama())])


@pytest.mark.parametrize("make", [with_soft, with_prefix, with_both])
def test_logits_behind_a_trunk_are_those_of_whole_prompts(make: Any) -> None:
    stack = make(llama())
    prompts = [tuple(stack.backbone.tokenizer.encode("Q: one A: two. Q: " + text)) for text in RAGGED]
    cache = read_shared_prefix([stack], [prompts])
    assert cache.text == len("Q: one A: two. Q: ")
    state = SharedPrefixState(cache, prompts, [stack] * len(prompts), 4)
    for token in (7, 8, 9):
        for row, prompt in enumerate(prompts):
            alone = SharedPrefixState(read_shared_prefix([stack], [[prompt]]), [prompt], [stack], 0)
            torch.testing.assert_close(state.logits[row], alone.logits[0], rtol=1e-4, atol=1e-4)
        state.step(torch.full((len(prompts),), token))
        prompts = [(*prompt, token) for prompt in prompts]
        if token == 8:  # some end; the others go on where they are
            rows = torch.tensor([5, 0, 3])
            state.keep(rows)
            prompts = [prompts[row] for row in rows.tolist()]


def gpt2(kind: str) -> Backbone:
    """A model with learned positions; one with shared heads and a window; two that attend in ways of their own."""
    torch.manual_seed(0)
    words = tokenizer()
    if kind in ("diffllama", "deepseek_v3"):
        sizes: Any = {"q_lora_rank": 16, "kv_lora_rank": 16, "qk_rope_head_dim": 8, "qk_nope_head_dim": 8,
                      "v_head_dim": 8, "n_routed_experts": 4, "num_experts_per_tok": 2, "n_group": 1, "topk_group": 1,
                      "moe_intermediate_size": 32, "first_k_dense_replace": 1}  # fmt: skip
        own: Any = AutoConfig.for_model(
            kind, vocab_size=len(words), hidden_size=32, intermediate_size=64, num_hidden_layers=2,
            num_attention_heads=4, num_key_value_heads=4 if kind == "deepseek_v3" else 2, initializer_range=0.4,
            bos_token_id=None, eos_token_id=1, pad_token_id=0, **(sizes if kind == "deepseek_v3" else {}),
        )  # fmt: skip
        return as_backbone(AutoModelForCausalLM.from_config(own), words, f"tiny-{kind}", device="cpu")
    if kind == "gpt2":
        config: Any = GPT2Config(vocab_size=len(words), n_embd=32, n_layer=2, n_head=4, n_positions=256,
                                 bos_token_id=None, eos_token_id=1, pad_token_id=0, initializer_range=0.4)  # fmt: skip
        return as_backbone(GPT2LMHeadModel(config), words, "tiny-gpt2", device="cpu")
    config = MistralConfig(
        vocab_size=len(words), hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, head_dim=8, sliding_window=8, initializer_range=0.4, bos_token_id=None, eos_token_id=1,
        pad_token_id=0,
    )  # fmt: skip
    return as_backbone(MistralForCausalLM(config), words, "tiny-mistral", device="cpu")


@pytest.mark.parametrize(
    ("kind", "fitting"), [("gpt2", True), ("mistral", False), ("diffllama", False), ("deepseek_v3", False)]
)
def test_other_decoders_answer_as_generate_does(kind: str, fitting: bool) -> None:
    backbone = gpt2(kind)
    stack = AdaptedModel(backbone, backbone.model)
    assert supports_shared_prefix(stack) == fitting
    prompts = [tuple(backbone.tokenizer.encode("Q: one A: two. Q: " + text)) for text in RAGGED]
    answers = greedy(stack, prompts, max_new_tokens=8, stops=Stops(backbone.tokenizer, ()))
    assert answers == [generated(stack, prompt, 8) for prompt in prompts]
    assert backbone.model.config._attn_implementation == "sdpa"


def test_an_encoder_reads_each_prompt_behind_its_own_soft_prompt() -> None:
    several = stacks(mt5())[:2]
    prompts = [tuple(several[0].backbone.tokenizer.encode(text)) for text in RAGGED[:2]]
    mixed = EncoderDecoderState(several, prompts)
    for row, stack in enumerate(several):
        alone = EncoderDecoderState([stack], [prompts[row]])
        torch.testing.assert_close(mixed.logits[row], alone.logits[0], rtol=1e-4, atol=1e-4)


def test_what_a_processor_reads_at_a_time_changes_nothing(stack: AdaptedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    prompts = [tuple(stack.backbone.tokenizer.encode(text)) for text in RAGGED]
    calls: list[int] = []
    stack.model.register_forward_pre_hook(lambda *_: calls.append(1))
    if stack.backbone.shape == "encoder-decoder":
        stack.backbone.model.get_encoder().register_forward_pre_hook(lambda *_: calls.append(1))
    for module in (state_module, trunk_module):
        monkeypatch.setattr(module, "CACHED", 60)
    few = greedy(stack, prompts, max_new_tokens=8, stops=Stops(stack.backbone.tokenizer, ()))
    before = len(calls)
    assert few == [generated(stack, prompt, 8) for prompt in prompts]
    calls.clear()
    for module in (state_module, trunk_module):
        monkeypatch.setattr(module, "CACHED", 100_000)
    assert greedy(stack, prompts, max_new_tokens=8, stops=Stops(stack.backbone.tokenizer, ())) == few
    assert len(calls) < before


def test_texts_of_like_length_are_read_together() -> None:
    assert list(alike([10, 3, 9, 2, 8, 10], 1000)) == [[0, 5, 2, 4], [1], [3]]
    assert list(alike([10, 10, 10], 20)) == [[0, 1], [2]]
    assert list(alike([10, 10], 5)) == [[0], [1]]
