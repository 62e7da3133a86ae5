"""A prefix on a model that cannot have one is refused when planning, by the model's config.json."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from suite.models.architecture import prefix_obstacle
from suite.models.source import locate
from suite.planning.keys import model_key
from tests.planning.test_matrices import refused, written

METHOD = "{name: prefix_tuning}"


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({"model_type": "mistral", "sliding_window": 4096}, "attend only to the last positions"),
        ({"model_type": "gemma3", "text_config": {"sliding_window": 512}}, "attend only to the last positions"),
        ({"model_type": "mamba"}, "some layers of this model keep a state, not keys and values"),
        ({"model_type": "x", "layer_types": ["linear_attention", "full_attention"]}, "keep a state"),
        ({"model_type": "deepseek_v3", "kv_lora_rank": 512}, "have different widths"),
    ],
)
def test_a_model_without_keys_and_values_of_all_positions_is_refused(
    tmp_path: Path, config: dict[str, object], reason: str
) -> None:
    source = written(tmp_path, ["layers.0.q_proj.weight"])
    (tmp_path / "config.json").write_text(json.dumps(config))
    (line,) = refused(tmp_path, METHOD, f"model: {{path: {source.path}, bundled: null}}\n")
    assert line.startswith(f"mine.yaml: prefix_tuning on {tmp_path.name}: a prefix needs keys and values")
    assert reason in line
    assert line.endswith("train a soft prompt (prompt_tuning) or an adapter (lora)")


@pytest.mark.parametrize(
    "config",
    [
        {"model_type": "llama"},
        {"model_type": "qwen2", "sliding_window": 4096, "use_sliding_window": False},
        {"model_type": "qwen3", "layer_types": ["full_attention", "full_attention"], "sliding_window": None},
    ],
)
def test_others_are_let_through(config: dict[str, object]) -> None:
    assert prefix_obstacle(config) is None


def test_steps_of_models_that_keep_states_have_names_of_their_own(tmp_path: Path) -> None:
    source = written(tmp_path, ["layers.0.q_proj.weight"])
    named = {}
    for kind in ("llama", "mamba"):
        (tmp_path / "config.json").write_text(json.dumps({"model_type": kind}))
        named[kind] = set(model_key(source, locate(source, None)))
    assert named == {"llama": {"identity", "dtype", "sentinels"}, "mamba": {"identity", "dtype", "sentinels", "states"}}


def test_the_bundled_models_can_have_prefixes(tmp_path: Path) -> None:
    assert refused(tmp_path, METHOD) == []
    assert refused(tmp_path, METHOD, track="micro-t5") == []
