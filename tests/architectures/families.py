"""Tiny random models of the architectures that users bring: two layers, a width of 32, the tests' own tokenizer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSeq2SeqLM
from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES

from suite.models.backbone import Backbone, as_backbone
from tests.models.tiny_models import tiny_tokenizer

IDS: Final = {"pad_token_id": 0, "eos_token_id": 1, "bos_token_id": 3}
LLAMA: Final = {
    "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "head_dim": 8, "max_position_embeddings": 128,
}  # fmt: skip
"""The names of sizes in Llama's configuration, which most decoders share."""
NEOX: Final = {**LLAMA, "num_key_value_heads": 4}
GPT: Final = {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 128}
T5: Final = {
    "d_model": 32, "d_kv": 8, "d_ff": 48, "num_layers": 2, "num_decoder_layers": 2, "num_heads": 4,
    "decoder_start_token_id": 0,
}  # fmt: skip
BART: Final = {
    "d_model": 32, "encoder_layers": 2, "decoder_layers": 2, "encoder_attention_heads": 4,
    "decoder_attention_heads": 4, "encoder_ffn_dim": 48, "decoder_ffn_dim": 48, "max_position_embeddings": 128,
    "decoder_start_token_id": 1, "forced_eos_token_id": None, "forced_bos_token_id": None,
}  # fmt: skip
EXPERTS: Final = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 24}
SLIDING: Final = {"sliding_window": 8}
MAMBA: Final = {"hidden_size": 32, "num_hidden_layers": 2, "state_size": 4}
SPREAD: Final = 0.2
"""Least standard deviation of a matrix's values."""
TEXT: Final = {"vocab_size": len(tiny_tokenizer()), **IDS}
T5GEMMA: Final = {**LLAMA, "query_pre_attn_scalar": 8, **TEXT}


@dataclass(frozen=True)
class Family:
    """A line of the table: transformers' model type, and what makes its configuration tiny."""

    kind: str
    """`model_type` of transformers."""
    sizes: Mapping[str, Any] = field(default_factory=dict)
    encoder_decoder: bool = False


ALL: Final[Mapping[str, Family]] = {
    "GPT-2": Family("gpt2", GPT),
    "GPT-NeoX": Family("gpt_neox", NEOX),
    "GPT-J": Family("gptj", {**GPT, "rotary_dim": 4}),
    "GPT-Neo": Family(
        "gpt_neo",
        {"hidden_size": 32, "num_layers": 2, "num_heads": 4, "attention_types": [[["global", "local"], 1]],
         "window_size": 8, "max_position_embeddings": 128},
    ),
    "MPT": Family("mpt", {"d_model": 32, "n_layers": 2, "n_heads": 4, "max_seq_len": 128}),
    "OPT": Family("opt", {**NEOX, "ffn_dim": 48, "word_embed_proj_dim": 32}),
    "BLOOM": Family("bloom", {"hidden_size": 32, "n_layer": 2, "n_head": 4}),
    "Falcon": Family("falcon", {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}),
    "Phi-2": Family("phi", NEOX),
    "Phi-3": Family("phi3", LLAMA),
    "StableLM": Family("stablelm", LLAMA),
    "OLMo 2": Family("olmo2", LLAMA),
    "Llama": Family("llama", LLAMA),
    "Mistral": Family("mistral", {**LLAMA, "sliding_window": None}),
    "Mistral, sliding window": Family("mistral", {**LLAMA, **SLIDING}),
    "Mixtral": Family("mixtral", {**LLAMA, "num_local_experts": 4, "sliding_window": None}),
    "Qwen 2, 2.5": Family("qwen2", LLAMA),
    "Qwen 2 MoE": Family(
        "qwen2_moe", {**LLAMA, **EXPERTS, "shared_expert_intermediate_size": 24, "decoder_sparse_step": 1}
    ),
    "Qwen 3": Family("qwen3", LLAMA),
    "Qwen 3 MoE": Family("qwen3_moe", {**LLAMA, **EXPERTS}),
    "Qwen 3 Next": Family(
        "qwen3_next",
        {
            **LLAMA, **EXPERTS, "shared_expert_intermediate_size": 24, "linear_key_head_dim": 8,
            "linear_value_head_dim": 8, "linear_num_key_heads": 2, "linear_num_value_heads": 4,
            "layer_types": ["linear_attention", "full_attention"],
        },
    ),
    "Gemma 1": Family("gemma", LLAMA),
    "Gemma 2": Family("gemma2", {**LLAMA, **SLIDING, "query_pre_attn_scalar": 8}),
    "Gemma 3": Family("gemma3_text", {**LLAMA, **SLIDING, "query_pre_attn_scalar": 8, "sliding_window_pattern": 2}),
    "Gemma 3, with images": Family(
        "gemma3",
        {
            "text_config": {**LLAMA, **SLIDING, "query_pre_attn_scalar": 8, "sliding_window_pattern": 2, **TEXT},
            "vision_config": {
                "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4,
                "image_size": 28, "patch_size": 14,
            },
            "mm_tokens_per_image": 4, "boi_token_index": 50, "eoi_token_index": 51, "image_token_index": 52,
        },
    ),
    "Granite": Family("granite", LLAMA),
    "Cohere 2": Family("cohere2", {**LLAMA, **SLIDING, "sliding_window_pattern": 2}),
    "DeepSeek-V3": Family(
        "deepseek_v3",
        {
            **NEOX, "head_dim": 4, "n_routed_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 24,
            "n_group": 2, "topk_group": 1, "first_k_dense_replace": 1, "kv_lora_rank": 8, "q_lora_rank": 8,
            "qk_rope_head_dim": 4, "qk_nope_head_dim": 4, "v_head_dim": 8,
        },
    ),
    "SmolLM 3": Family("smollm3", {**LLAMA, "use_sliding_window": False}),
    "Llama 4": Family(
        "llama4_text",
        {**LLAMA, "intermediate_size_mlp": 48, "num_local_experts": 2, "attention_chunk_size": 8,
         "interleave_moe_layer_step": 1},
    ),
    "GPT-OSS": Family("gpt_oss", {**LLAMA, **SLIDING, "num_local_experts": 4, "num_experts_per_tok": 2}),
    "Qwen 3.5": Family(
        "qwen3_5_text",
        {**LLAMA, "linear_key_head_dim": 8, "linear_value_head_dim": 8, "linear_num_key_heads": 2,
         "linear_num_value_heads": 4, "layer_types": ["linear_attention", "full_attention"]},
    ),
    "LFM 2": Family("lfm2", {**LLAMA, "layer_types": ["conv", "full_attention"], "block_auto_adjust_ff_dim": False}),
    "RecurrentGemma": Family(
        "recurrent_gemma", {**LLAMA, "num_hidden_layers": 3, "lru_width": 32, "attention_window_size": 8}
    ),
    "Mamba": Family("mamba", MAMBA),
    "Mamba 2": Family(
        "mamba2", {**MAMBA, "num_heads": 8, "head_dim": 8, "n_groups": 2, "chunk_size": 8, "expand": 2}
    ),
    "Falcon-H1": Family(
        "falcon_h1",
        {**LLAMA, "mamba_d_ssm": 32, "mamba_n_heads": 4, "mamba_d_head": 8, "mamba_d_state": 4, "mamba_n_groups": 1,
         "mamba_chunk_size": 8},
    ),
    "T5": Family("t5", {**T5, "feed_forward_proj": "relu"}, True),
    "T5 1.1": Family("t5", {**T5, "feed_forward_proj": "gated-gelu", "tie_word_embeddings": False}, True),
    "mT5": Family("mt5", {**T5, "tie_word_embeddings": False}, True),
    "UMT5": Family("umt5", T5, True),
    "LongT5": Family("longt5", {**T5, "local_radius": 7, "encoder_attention_type": "local"}, True),
    "LongT5, global": Family(
        "longt5", {**T5, "local_radius": 7, "global_block_size": 4, "encoder_attention_type": "transient-global"}, True
    ),
    "BART": Family("bart", BART, True),
    "mBART": Family("mbart", BART, True),
    "Pegasus": Family("pegasus", {**BART, "decoder_start_token_id": 0}, True),
    "M2M-100": Family("m2m_100", BART, True),
    "T5Gemma": Family(
        "t5gemma", {"encoder": {**T5GEMMA, "sliding_window": 8}, "decoder": {**T5GEMMA, "sliding_window": 8}}, True
    ),
}  # fmt: skip

FAMILIES: Final = {name: family for name, family in ALL.items() if family.kind in CONFIG_MAPPING_NAMES}
"""Those that the installed transformers has."""


def tiny(name: str, seed: int = 0) -> Any:
    """A random model of a family, in evaluation mode; its answers differ from prompt to prompt."""
    family = FAMILIES[name]
    torch.manual_seed(seed)
    config = AutoConfig.for_model(family.kind, **{**TEXT, **family.sizes})
    loader: Any = AutoModelForSeq2SeqLM if family.encoder_decoder else AutoModelForCausalLM
    model = loader.from_config(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1:  # small initial values would make all positions alike
                parameter.mul_(max(1.0, SPREAD / (float(parameter.std()) or SPREAD)))
    return model


def backbone_of(name: str, seed: int = 0) -> Backbone:
    """A fresh backbone of a family."""
    return as_backbone(tiny(name, seed), tiny_tokenizer(), f"tiny {name} {seed}", device="cpu")
