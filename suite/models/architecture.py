"""What a model's config.json says of its layers: planning asks this without torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

STATEFUL: Final = frozenset(
    {
        "bailing_hybrid", "bamba", "falcon_h1", "falcon_mamba", "glm5_next", "granitemoehybrid", "jamba", "kimi_linear",
        "lfm2", "lfm2_moe", "mamba", "mamba2", "minimax", "nemotron_h", "olmo_hybrid", "qwen3_5", "qwen3_5_moe",
        "qwen3_5_moe_text", "qwen3_5_text", "qwen3_next", "recurrent_gemma", "rwkv", "xlstm", "zamba", "zamba2",
    }
)  # fmt: skip
"""Model types of which some layers keep a state, and whose configurations need not say so."""
MIXERS: Final = frozenset(
    {
        "bamba", "falcon_h1", "falcon_mamba", "granitemoehybrid", "jamba", "mamba", "mamba2", "nemotron_h", "zamba",
        "zamba2",
    }
)  # fmt: skip
"""Those of them whose layers are Mamba's."""
READ_DIRECTLY: Final = frozenset({"conv1d", "dt_proj", "out_proj", "x_proj"})
"""Maps whose weights Mamba's kernels read without calling them: an adapter of one has no effect."""
PADDING_COUNTS: Final = frozenset({"mpt"})
"""Model types whose attention measures distances in positions of the batch, padding included."""
FULL: Final = "full_attention"
WINDOWED: Final = "attention"
"""Part of the names of other kinds of attention: to the last positions, or to those of the same chunk."""

INSTEAD: Final = "train a soft prompt (prompt_tuning) or an adapter (lora)"
"""The remedy where a prefix cannot be."""


def no_prefix(obstacle: str) -> str:
    """The error message for a model that cannot have a prefix."""
    return f"a prefix needs keys and values in every layer for all positions: {obstacle}"


def prompt_obstacle(config: Mapping[str, Any]) -> str | None:
    """Why a model cannot have a soft prompt; None if nothing speaks against it."""
    settings = decoder_settings(config)
    if str(settings.get("model_type", "")).startswith("gemma4") and settings.get("hidden_size_per_layer_input"):
        return "each layer of this model looks up the tokens' ids, and vectors of a soft prompt have none"
    return None


def decoder_settings(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """The part of a configuration that is about the layers that write the answer."""
    nested = (config.get(name) for name in ("text_config", "decoder"))
    return next((each for each in nested if isinstance(each, Mapping)), config)


def prefix_obstacle(config: Mapping[str, Any]) -> str | None:
    """Why a model cannot have a prefix of keys and values in each layer; None if nothing speaks against it."""
    settings = decoder_settings(config)
    kinds = {str(kind) for kind in settings.get("layer_types") or ()} - {FULL}
    if settings.get("model_type") in STATEFUL or any(WINDOWED not in kind or "linear" in kind for kind in kinds):
        return "some layers of this model keep a state, not keys and values"
    local = "local" in str(settings.get("attention_types") or "")  # GPT-Neo's
    window = local or (settings.get("sliding_window") and settings.get("use_sliding_window", True))
    if kinds or window or settings.get("attention_chunk_size"):
        return "this model would lose sight of it: some layers attend only to the last positions"
    if settings.get("model_type") in PADDING_COUNTS:
        return "attention of this model takes padding behind the prefix for distance"
    if settings.get("kv_lora_rank"):
        return "keys and values of this model have different widths"
    return None
