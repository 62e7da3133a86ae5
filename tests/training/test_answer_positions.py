"""The end of a model computed at the answers alone, and what rows share read once: the same losses and gradients."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional
from transformers import AutoConfig, AutoModelForCausalLM

from suite.models.adapted import AdaptedModel
from suite.models.backbone import Backbone, as_backbone
from suite.training import answer_positions
from suite.training.answer_positions import SUPPORTED
from suite.training.data.batches import IGNORE, Batch, Collator
from suite.training.data.examples import encode
from suite.training.dropout import dropout
from suite.training.objectives.losses import answer_loss
from tests.models.tiny_models import WORDS, tiny_backbone, tiny_examples, tiny_tokenizer


def backbone_of(kind: str) -> Backbone:
    torch.manual_seed(0)
    config = AutoConfig.for_model(
        kind, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
        head_dim=8, max_position_embeddings=128, vocab_size=len(tiny_tokenizer()), sliding_window=None,
        pad_token_id=0, eos_token_id=1, bos_token_id=3, attn_implementation="sdpa",
    )  # fmt: skip
    return as_backbone(AutoModelForCausalLM.from_config(config), tiny_tokenizer(), kind, device="cpu")


def batch_of(backbone: Backbone) -> Batch:
    return Collator(backbone)(encode(backbone, tiny_examples(5), max_length=64, soft_length=4).examples)


def batch_behind(backbone: Backbone, words: int) -> Batch:
    """A batch whose prompts begin with some words alike."""
    before = " ".join(WORDS[at % 7] for at in range(words))
    examples = [replace(each, prompt=f"{before} {each.prompt}") for each in tiny_examples(9)]
    return Collator(backbone)(encode(backbone, examples, max_length=64, soft_length=4).examples)


def plain(adapted: AdaptedModel, batch: Batch) -> Tensor:
    """The loss of the model called in the ordinary way."""
    embeds, mask = adapted.embed(batch.input_ids, batch.attention_mask, side="right")
    mask = functional.pad(mask, (adapted.prefix_length, 0), value=1)
    logits = adapted.model(inputs_embeds=embeds, attention_mask=mask, **adapted.prefix_inputs(len(mask))).logits
    logits = logits[:, adapted.soft_length :]
    return functional.cross_entropy(logits.flatten(0, 1), batch.labels.flatten(), ignore_index=IGNORE, reduction="sum")


def gradients(loss: Tensor, adapted: AdaptedModel) -> dict[str, Tensor]:
    named: dict[str, Tensor] = dict(adapted.model.named_parameters())
    more = {"soft": adapted.soft, "prefix": adapted.prefix}
    named |= {name: each for name, each in more.items() if each is not None}
    return dict(zip(named, torch.autograd.grad(loss, list(named.values())), strict=True))


@pytest.mark.parametrize("soft", [False, True])
@pytest.mark.parametrize("kind", sorted(SUPPORTED))
def test_loss_and_gradients_are_those_of_the_whole_model(kind: str, soft: bool) -> None:
    backbone = backbone_of(kind)
    backbone.model.requires_grad_(True)
    adapted = AdaptedModel(backbone, backbone.model, torch.randn(4, 32, requires_grad=True) if soft else None)
    batch = batch_of(backbone)
    got, wanted = answer_loss(adapted, batch), plain(adapted, batch)
    torch.testing.assert_close(got, wanted, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(gradients(got, adapted), gradients(wanted, adapted), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("before", ["nothing", "soft", "prefix"])
@pytest.mark.parametrize("kind", sorted(SUPPORTED))
def test_loss_and_gradients_do_not_change_where_prompts_begin_alike(kind: str, before: str) -> None:
    backbone = backbone_of(kind)
    backbone.model.requires_grad_(True)
    soft = torch.randn(4, 32, requires_grad=True) if before == "soft" else None
    prefix = torch.randn(2, 2, 2, 3, 8, requires_grad=True) if before == "prefix" else None
    adapted = AdaptedModel(backbone, backbone.model, soft, prefix=prefix)
    batch = batch_behind(backbone, 12)
    assert sum(positions(backbone, adapted, batch)["model.layers.0.self_attn.k_proj"]) < batch.input_ids.numel() * 0.7
    got, wanted = answer_loss(adapted, batch), plain(adapted, batch)
    torch.testing.assert_close(got, wanted, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(gradients(got, adapted), gradients(wanted, adapted), rtol=1e-4, atol=2e-5)


def positions(backbone: Backbone, adapted: AdaptedModel, batch: Batch | None = None) -> dict[str, list[int]]:
    """How many positions a few modules are given for one loss, call by call."""
    seen: dict[str, list[int]] = {}
    hooks = [
        module.register_forward_hook(
            lambda _, given, __, name=name: seen.setdefault(name, []).append(given[0].numel() // given[0].shape[-1])
        )
        for name, module in backbone.model.named_modules()
        if name.endswith(("mlp.up_proj", "o_proj", "lm_head", "k_proj"))
    ]
    answer_loss(adapted, batch_of(backbone) if batch is None else batch)
    for hook in hooks:
        hook.remove()
    return seen


def test_the_last_layer_and_the_vocabulary_are_computed_at_answers_only() -> None:
    backbone = tiny_backbone("decoder")
    batch, seen = batch_of(backbone), positions(backbone, AdaptedModel(backbone, backbone.model))
    whole, answers = batch.input_ids.numel(), len(batch.answers)
    assert answers < whole / 3
    assert seen["lm_head"] == seen["model.layers.1.mlp.up_proj"] == seen["model.layers.1.self_attn.o_proj"] == [answers]
    assert seen["model.layers.0.mlp.up_proj"] == seen["model.layers.1.self_attn.k_proj"] == [whole]


def test_an_encoder_decoders_logits_are_not_computed_at_padding() -> None:
    backbone = tiny_backbone("encoder-decoder")
    examples = encode(backbone, tiny_examples(5), max_length=64, soft_length=0).examples
    longer = [type(each)(each.prompt, each.target * (at + 1)) for at, each in enumerate(examples)]
    batch, seen = Collator(backbone)(longer), []
    hook = backbone.model.lm_head.register_forward_hook(lambda _, given, __: seen.append(given[0].shape[0]))
    answer_loss(AdaptedModel(backbone, backbone.model), batch)
    hook.remove()
    assert seen == [sum(len(each.target) for each in longer)]
    assert seen[0] < batch.labels.numel()


def test_a_soft_prompt_is_read_once_for_all_rows_and_by_each_where_units_are_dropped() -> None:
    backbone = tiny_backbone("decoder")
    adapted = AdaptedModel(backbone, backbone.model, torch.randn(4, 32))
    batch = batch_of(backbone)
    rows, length = batch.input_ids.shape
    name = "model.layers.0.self_attn.k_proj"
    assert positions(backbone, adapted)[name] == [4, rows * length]
    backbone.model.train()
    with dropout(backbone.model, 0.1):
        assert positions(backbone, adapted)[name] == [rows * (length + 4)]
    backbone.model.eval()


def test_what_prompts_begin_with_is_read_once_where_that_pays() -> None:
    backbone = tiny_backbone("decoder")
    name = "model.layers.0.self_attn.k_proj"
    alone, behind = AdaptedModel(backbone, backbone.model), AdaptedModel(backbone, backbone.model, torch.randn(4, 32))
    for words, pays in ((3, False), (12, True)):
        batch = batch_behind(backbone, words)
        rows, length = batch.input_ids.shape
        assert batch.shared == words
        own = rows * (length - words)
        assert positions(backbone, alone, batch)[name] == ([words, own] if pays else [rows * length])
        assert positions(backbone, behind, batch)[name] == [4 + words, own]  # a soft prompt is read anyway
    backbone.model.train()
    with dropout(backbone.model, 0.1):
        assert positions(backbone, alone, batch)[name] == [rows * length]
    backbone.model.eval()


def test_prompts_that_are_all_alike_keep_a_token_of_their_own() -> None:
    backbone = tiny_backbone("decoder")
    examples = [replace(tiny_examples(1)[0], prompt="the dog is on the red cat question: answer:")] * 12
    batch = Collator(backbone)(encode(backbone, examples, max_length=64, soft_length=0).examples)
    adapted = AdaptedModel(backbone, backbone.model)
    assert positions(backbone, adapted, batch)["model.layers.0.self_attn.k_proj"] == [8, 12 * 3]
    torch.testing.assert_close(answer_loss(adapted, batch), plain(adapted, batch), rtol=1e-5, atol=1e-5)


def test_a_model_of_another_kind_is_computed_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    backbone = tiny_backbone("decoder")
    adapted, batch = AdaptedModel(backbone, backbone.model), batch_of(backbone)
    wanted = answer_loss(adapted, batch)
    monkeypatch.setattr(answer_positions, "SUPPORTED", frozenset())
    torch.testing.assert_close(answer_loss(adapted, batch), wanted, rtol=1e-6, atol=1e-6)
    assert positions(backbone, adapted)["model.layers.1.mlp.up_proj"] == [batch.input_ids.numel()]


def test_hooks_are_taken_off_even_after_an_error() -> None:
    backbone = tiny_backbone("decoder")
    for entered in (answer_positions.narrowed(backbone.model, torch.arange(3)), nullcontext()):
        with pytest.raises(RuntimeError), entered:
            raise RuntimeError
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in backbone.model.modules())


def test_prompt_tuning_computes_no_gradient_of_a_weight(backbone: Backbone) -> None:
    soft: Any = torch.randn(4, backbone.width, requires_grad=True)
    loss = answer_loss(AdaptedModel(backbone, backbone.model, soft), batch_of(backbone))
    leaves, seen, stack = [], set(), [loss.grad_fn]
    while stack:
        node = stack.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if hasattr(node, "variable"):
            leaves.append(node.variable)
        stack += [next_node for next_node, _ in node.next_functions]
    assert len(leaves) == 1
    assert leaves[0] is soft
