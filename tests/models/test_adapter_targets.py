"""Which linear maps an adapter changes where PEFT has no choice for the architecture."""

from __future__ import annotations

from typing import Any

import pytest
from peft import IA3Config, LoraConfig

from suite.models.adapter_targets import choose_targets
from suite.models.linear_maps import covered, linear_maps
from suite.models.singular import matrices
from tests.architectures.families import tiny

ATTENTION = {"q_proj", "k_proj", "v_proj", "o_proj"}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("OLMo 2", {*ATTENTION, "gate_proj", "up_proj", "down_proj"}),
        ("Phi-3", {"qkv_proj", "o_proj", "gate_up_proj", "down_proj"}),
        # PEFT takes the names of the other maps for those of experts
        ("DeepSeek-V3", {"q_a_proj", "q_b_proj", "kv_a_proj_with_mqa", "kv_b_proj", "o_proj"}),
        ("Qwen 3 MoE", ATTENTION),
        ("Llama 4", {*ATTENTION, "gate_proj", "up_proj", "down_proj"}),  # no router
        ("Mamba", {"in_proj"}),  # fused kernels read the others themselves
        ("UMT5", {"q", "k", "v", "o", "wi_0", "wi_1", "wo", "wi"}),
    ],
)
def test_a_lora_without_peft_s_choice_changes_all_linear_maps(name: str, expected: set[str]) -> None:
    config, model = LoraConfig(), tiny(name)
    notice = choose_targets(config, model)
    assert set(config.target_modules) <= expected
    assert set(config.target_modules) >= expected - {"wi", "wi_0", "wi_1"}
    assert notice.startswith(
        f"PEFT has no choice of maps for {model.config.model_type}: the adapter changes all linear"
    )


@pytest.mark.parametrize(
    ("name", "expected", "ends"),
    [
        ("Granite", {"k_proj", "v_proj", "down_proj"}, {"down_proj"}),
        ("Pegasus", {"k_proj", "v_proj", "fc2"}, {"fc2"}),
        ("LongT5", {"k", "v", "wo"}, {"wo"}),
        ("Mamba", {"in_proj"}, set()),
    ],
)
def test_ia3_scales_keys_values_and_the_hidden_layer_where_they_have_their_usual_names(
    name: str, expected: set[str], ends: set[str]
) -> None:
    config = IA3Config()
    assert choose_targets(config, tiny(name)).startswith("PEFT has no choice of maps for ")
    assert (set(config.target_modules), set(config.feedforward_modules)) == (expected, ends)


def test_peft_s_choice_and_the_spec_s_come_first() -> None:
    for config in (LoraConfig(), IA3Config(), LoraConfig(target_modules=["o_proj"])):
        before = config.target_modules
        assert choose_targets(config, tiny("Llama")) == ""
        assert before is None or config.target_modules == {"o_proj"}
    mixtral = LoraConfig()
    assert choose_targets(mixtral, tiny("Mixtral")) == ""
    assert mixtral.target_modules == {"q_proj", "v_proj"}


def test_only_layers_that_texts_reach_are_changed() -> None:
    model = tiny("Gemma 3, with images")
    for config in (LoraConfig(), IA3Config(), LoraConfig(target_modules="all-linear")):
        choose_targets(config, model)
        chosen = {path for path in linear_maps(model) if any(path.endswith(name) for name in config.target_modules)}
        assert {path.split(".")[1] for path in config.target_modules if "." in path} == {"language_model"}
        assert len(chosen) == (6 if isinstance(config, IA3Config) else 14)
    assert all(name.startswith("model.language_model.") for name in matrices(model, "all"))


def test_all_linear_leaves_out_what_decides_or_is_read_directly() -> None:
    for name, absent in (("Mamba", "dt_proj"), ("Llama 4", "router"), ("Qwen 2 MoE", "shared_expert_gate")):
        config: Any = LoraConfig(target_modules="all-linear")
        choose_targets(config, tiny(name))
        assert absent not in {path.rpartition(".")[2] for path in config.target_modules}
        assert absent in {path.rpartition(".")[2] for path in linear_maps(tiny(name))}


@pytest.mark.parametrize(("name", "share"), [("GPT-2", 1.0), ("Llama", 1.0), ("Mixtral", 0.14)])
def test_the_share_of_the_layers_weights_that_singular_values_cover(name: str, share: float) -> None:
    model = tiny(name)
    assert covered(model, matrices(model, "all")) == pytest.approx(share, abs=0.01)
