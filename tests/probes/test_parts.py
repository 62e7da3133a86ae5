"""The parts of a model are found by how it computes, and those of what is trained from the adapted model."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from peft import LoraConfig
from torch import nn

from suite import methods
from suite.core.curves import OfPart
from suite.models.adapter import injected
from suite.models.backbone import Backbone
from suite.models.singular import factorise, matrices
from suite.probes.architecture import architecture_of
from suite.probes.gradients import Alignment
from suite.probes.parts import TrainedParts, trained_parts
from suite.training.prefixes import TrainedPrefix
from suite.training.prompts import FlatPrompt
from suite.training.singular import composing
from suite.training.trainable import Trainable
from tests.methods.tiny_jobs import job_for
from tests.models.tiny_budget import Memory
from tests.models.tiny_models import bits, tiny_backbone

SMALL: dict[str, Any] = {
    "vocab_size": 64, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 4, "max_position_embeddings": 64, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2,
}  # fmt: skip
GPT2: dict[str, Any] = {
    "vocab_size": 64, "n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 64, "bos_token_id": 1, "eos_token_id": 2,
}  # fmt: skip
BART: dict[str, Any] = {
    "vocab_size": 64, "d_model": 32, "encoder_layers": 2, "decoder_layers": 1, "encoder_ffn_dim": 48,
    "decoder_ffn_dim": 48, "encoder_attention_heads": 4, "decoder_attention_heads": 4, "max_position_embeddings": 64,
    "decoder_start_token_id": 2,
}  # fmt: skip
OPT = {**SMALL, "ffn_dim": 48, "word_embed_proj_dim": 32}
LATENT: dict[str, Any] = {
    **SMALL, "first_k_dense_replace": 2, "kv_lora_rank": 8, "q_lora_rank": 8, "qk_rope_head_dim": 4, "v_head_dim": 8,
    "qk_nope_head_dim": 8, "n_routed_experts": 4, "n_group": 1, "topk_group": 1, "num_experts_per_tok": 2,
}  # fmt: skip
ATTENTION = {"q_proj": "query", "k_proj": "key", "v_proj": "value", "o_proj": "output"}
ARCHITECTURES: dict[str, tuple[Callable[[], Any], str, dict[str, str | None]]] = {
    "llama": (
        lambda: transformers.LlamaForCausalLM(transformers.LlamaConfig(**SMALL)), "model.layers.1.",
        {**{f"self_attn.{name}": part for name, part in ATTENTION.items()}, "mlp.down_proj": "mlp",
         "input_layernorm": "norm"},
    ),
    "normalised queries": (
        lambda: transformers.Qwen3ForCausalLM(transformers.Qwen3Config(**SMALL, head_dim=8)), "model.layers.1.",
        {"self_attn.q_proj": "query", "self_attn.k_proj": "key", "self_attn.q_norm": "norm", "mlp.gate_proj": "mlp"},
    ),
    "one matrix for queries, keys and values": (
        lambda: transformers.GPT2LMHeadModel(transformers.GPT2Config(**GPT2)), "transformer.h.1.",
        {"attn.c_attn": None, "attn.c_proj": "output", "mlp.c_fc": "mlp", "mlp.c_proj": "mlp", "ln_1": "norm"},
    ),
    "matrices right in the layer": (
        lambda: transformers.OPTForCausalLM(transformers.OPTConfig(**OPT)), "model.decoder.layers.1.",
        {"self_attn.q_proj": "query", "self_attn.out_proj": "output", "fc1": "mlp", "fc2": "mlp",
         "final_layer_norm": "norm"},
    ),
    "experts": (
        lambda: transformers.MixtralForCausalLM(transformers.MixtralConfig(**SMALL, num_local_experts=4)),
        "model.layers.1.", {"self_attn.v_proj": "value", "mlp.gate": "mlp", "mlp.experts": "mlp"},
    ),
    "latent attention": (
        lambda: transformers.DeepseekV3ForCausalLM(transformers.DeepseekV3Config(**LATENT)), "model.layers.1.",
        {"self_attn.q_a_proj": None, "self_attn.q_b_proj": "query", "self_attn.kv_b_proj": None,
         "self_attn.o_proj": "output", "mlp.up_proj": "mlp"},
    ),
    "no attention": (
        lambda: transformers.MambaForCausalLM(
            transformers.MambaConfig(vocab_size=64, hidden_size=32, num_hidden_layers=2, state_size=4)
        ), "backbone.layers.1.", {"mixer.in_proj": None, "mixer.out_proj": None, "mixer.conv1d": None, "norm": "norm"},
    ),
}  # fmt: skip
"""What each has that others have not -> a model, the path of its second layer, and the parts of some modules in it."""


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_parts_are_found_by_how_a_model_computes(name: str) -> None:
    make, layer, wanted = ARCHITECTURES[name]
    torch.manual_seed(0)
    model = make().eval().requires_grad_(False)
    before = bits(model)
    found = architecture_of(model)
    parts = {path: found.part_of(model.get_submodule(layer + path)) for path in wanted}
    assert parts == {path: None if part is None else OfPart(part, 1) for path, part in wanted.items()}  # type: ignore[arg-type]
    assert found.part_of(model.get_input_embeddings()) == OfPart("embedding")
    assert found.part_of(model.get_output_embeddings()) == OfPart("head")
    assert bits(model) == before
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


@pytest.mark.parametrize("way", ["eager", "sdpa"])
def test_layers_of_a_decoder_are_counted_after_those_of_its_encoder(way: str) -> None:
    torch.manual_seed(0)
    model = transformers.BartForConditionalGeneration(transformers.BartConfig(**BART, attn_implementation=way)).eval()
    found = architecture_of(model.requires_grad_(False))
    paths = {
        "model.encoder.layers.1.self_attn.k_proj": OfPart("key", 1), "model.decoder.layers.0.fc1": OfPart("mlp", 2),
        "model.decoder.layers.0.self_attn.q_proj": OfPart("query", 2),
        "model.decoder.layers.0.encoder_attn.q_proj": OfPart("query", 2),
        "model.decoder.layers.0.encoder_attn.k_proj": OfPart("key", 2),
        "model.decoder.layers.0.encoder_attn.v_proj": OfPart("value", 2),
        "model.encoder.embed_positions": OfPart("embedding"),
    }  # fmt: skip
    assert {path: found.part_of(model.get_submodule(path)) for path in paths} == paths


def parts_of(trainable: Trainable, backbone: Backbone) -> dict[str, OfPart]:
    found = trained_parts(trainable, backbone, 1)
    assert found.notice is None
    return dict(found.parts)


def test_every_parameter_of_both_shapes_belongs_to_a_part() -> None:
    kinds = {}
    for shape in ("decoder", "encoder-decoder"):
        backbone = tiny_backbone(shape, tied=False)  # type: ignore[arg-type]
        parts = parts_of(Trainable(dict(backbone.model.named_parameters()), nullcontext), backbone)
        kinds[shape] = {part.part for part in parts.values()}
        prefix = "model.layers" if shape == "decoder" else "decoder.block"
        last = {part.layer for name, part in parts.items() if name.startswith(f"{prefix}.1.")}
        assert last == {1 if shape == "decoder" else 3}
    assert kinds["decoder"] == kinds["encoder-decoder"] == {
        "query", "key", "value", "output", "mlp", "norm", "embedding", "head"
    }  # fmt: skip


def test_a_tied_head_is_where_its_tensor_is(backbone: Backbone) -> None:
    table = backbone.model.get_input_embeddings().weight
    assert parts_of(Trainable({"table": table}, nullcontext), backbone) == {"table": OfPart("embedding")}


def test_what_stands_before_the_text_is_the_prompt(backbone: Backbone) -> None:
    prompt = FlatPrompt(backbone, torch.zeros(2, backbone.width))
    prompt.flat.requires_grad_(True)
    assert parts_of(Trainable({"any name": prompt.flat}, nullcontext, prompt.adapt), backbone) == {
        "any name": OfPart("prompt")
    }
    prefix = TrainedPrefix(backbone, 2, 6, seed=0).requires_grad_(True)
    own = dict(prefix.named_parameters())
    found = parts_of(Trainable(own, nullcontext, prefix.adapt), backbone)
    assert found == dict.fromkeys(own, OfPart("prompt"))


def test_what_is_added_to_a_module_is_an_adapter_of_its_layer(backbone: Backbone) -> None:
    layers = 2 if backbone.shape == "decoder" else 4
    with injected(backbone.model, LoraConfig(r=2)) as own:
        found = parts_of(Trainable(own, nullcontext), backbone)
    assert found.keys() == own.keys()
    assert set(found.values()) == {OfPart("adapter", layer) for layer in range(layers)}


def test_a_matrix_beside_a_frozen_adapter_is_the_part_that_it_is_without(backbone: Backbone) -> None:
    trainable = Trainable(dict(backbone.model.named_parameters()), nullcontext)
    alone = parts_of(trainable, backbone)
    for modules in (None, "all-linear"):
        config = LoraConfig(r=2, target_modules=modules, task_type="CAUSAL_LM")
        with injected(backbone.model, config):
            assert parts_of(trainable, backbone) == alone


def test_singular_values_are_of_the_matrix_whose_name_they_have(backbone: Backbone) -> None:
    names = matrices(backbone.model, "all")
    factors = {name: factorise(backbone.model.get_parameter(name)) for name in names}
    weights = parts_of(Trainable({name: backbone.model.get_parameter(name) for name in names}, nullcontext), backbone)
    start = {name: torch.zeros(len(each.values)) for name, each in factors.items()}
    with composing(backbone.model, factors, start, mask="exp", renormalise=False) as made:
        assert parts_of(Trainable(made.parameters, made.base, made.adapt), backbone) == weights


def test_a_kind_from_outside_says_by_a_name_what_it_acts_on_or_is_left_out_with_a_line(
    backbone: Backbone, tmp_path: Path
) -> None:
    """Factors on the embeddings' output by a hook: they are in no module, and stand before no text."""
    factors = nn.Parameter(torch.ones(backbone.width))
    path = next(path for path, module in backbone.model.named_modules() if isinstance(module, nn.Embedding))
    named = {f"{path}.weight": factors}
    assert parts_of(Trainable(named, nullcontext), backbone) == {f"{path}.weight": OfPart("embedding")}
    found = trained_parts(Trainable({"factors": factors, **named}, nullcontext), backbone, 1)
    assert found.unknown == ("factors",)
    log = Memory()
    job = replace(job_for("finetune", backbone, tmp_path), log=log)
    Alignment(methods.get("finetune").Config(), job, Trainable({"factors": factors}, nullcontext), 2)  # type: ignore[arg-type]
    assert log.said == [
        "gradient alignment leaves out 1 of 1 trained tensors, factors among them: how the model computes does not "
        "show their part"
    ]


def test_a_model_that_cannot_be_called_plainly_is_one_line(backbone: Backbone) -> None:
    def refuse(*_: Any) -> None:
        raise ValueError("images are\nneeded, too")

    hook = backbone.model.register_forward_pre_hook(refuse)
    parameters = dict(backbone.model.named_parameters())
    found = trained_parts(Trainable(parameters, nullcontext), backbone, 1)
    hook.remove()
    assert isinstance(found, TrainedParts)
    assert not found.parts
    assert str(found.notice).endswith("the model's parts cannot be traced (images are needed, too)")
