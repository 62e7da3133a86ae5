"""What a model's architecture does not allow is refused when planning, by its config.json, or noted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from suite.models.architecture import prefix_obstacle
from suite.models.peft_choices import TABLES, chosen_for
from suite.models.source import locate
from suite.planning.architectures import check_architecture
from suite.planning.checks import _train_steps
from suite.planning.keys import model_key
from suite.specs import Options, load
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
        ({"model_type": "gpt_neo", "attention_types": [[["global", "local"], 12]]}, "only to the last positions"),
        ({"model_type": "mpt"}, "takes padding behind the prefix for distance"),
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


@pytest.mark.parametrize("method", ["{name: prompt_tuning}", "{name: promot}"])
def test_soft_prompts_need_a_model_that_reads_vectors(tmp_path: Path, method: str) -> None:
    source = written(tmp_path, ["layers.0.q_proj.weight"])
    model = f"model: {{path: {source.path}, bundled: null}}\n"
    gemma = {"model_type": "gemma4", "text_config": {"model_type": "gemma4_text", "hidden_size_per_layer_input": 256}}
    (tmp_path / "config.json").write_text(json.dumps(gemma))
    lines = refused(tmp_path, method, model)
    reason = "each layer of this model looks up the tokens' ids, and vectors of a soft prompt have none"
    steps = ["promot", "prompt_tuning"] if "promot" in method else ["prompt_tuning"]
    assert lines == [f"mine.yaml: {step} on {tmp_path.name}: {reason}; train an adapter (lora)" for step in steps]
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "gemma4_text", "hidden_size_per_layer_input": 0}))
    assert refused(tmp_path, method, model) == []


def test_boft_on_transposed_maps_is_refused(tmp_path: Path) -> None:
    source = written(tmp_path, ["h.0.attn.c_attn.weight"])
    (tmp_path / "config.json").write_text('{"model_type": "gpt2"}')
    (line,) = refused(tmp_path, "{name: boft}", f"model: {{path: {source.path}, bundled: null}}\n")
    what = f"boft does not take the maps of {tmp_path.name} (gpt2): PEFT has no BOFT of transposed maps"
    assert line == f"mine.yaml: {what}; train another adapter (lora)"


def test_an_adapter_of_what_mamba_reads_itself_is_refused(tmp_path: Path) -> None:
    source = written(tmp_path, [f"layers.0.mixer.{name}.weight" for name in ("in_proj", "x_proj", "dt_proj")])
    (tmp_path / "config.json").write_text('{"model_type": "mamba"}')
    model = f"model: {{path: {source.path}, bundled: null}}\n"
    (line,) = refused(tmp_path, "{name: lora, target_modules: [in_proj, dt_proj]}", model)
    what = f"{tmp_path.name} (mamba) reads 'dt_proj' without calling it, so an adapter has no effect"
    assert line == f"mine.yaml:4: method.target_modules: {what}; name others, such as in_proj"
    assert refused(tmp_path, "{name: lora, target_modules: [in_proj]}", model) == []


@pytest.mark.parametrize(
    ("method", "kind", "says"),
    [
        ("{name: lora}", "phi3", "it changes all linear maps of the layers (`target_modules` names others)"),
        ("{name: dora}", "mamba", "it changes all linear maps of the layers (`target_modules` names others)"),
        ("{name: ia3}", "granite", "it changes keys, values and MLPs where they have usual names, or else all linear"),
        ("{name: lora}", "llama", None),
        ("{name: ia3}", "llama", None),
        ("{name: lora, target_modules: all-linear}", "phi3", None),
    ],
)
def test_maps_that_peft_does_not_choose_are_noted(tmp_path: Path, method: str, kind: str, says: str | None) -> None:
    written(tmp_path, ["layers.0.q_proj.weight"])
    (tmp_path / "config.json").write_text(json.dumps({"model_type": kind}))
    file = tmp_path / "mine.yaml"
    file.write_text(f"name: mine\ntargets: [rte]\nmodel: {{path: {tmp_path}, bundled: null}}\nmethod: {method}\n")
    (experiment,) = load([file], Options())
    notes = check_architecture(experiment, _train_steps(experiment), lambda source: locate(source, None)).notes
    assert len(notes) == (says is not None)
    if says is not None:
        name = method[len("{name: ") :].partition("}")[0]
        start = f"{name} on {tmp_path.name}: PEFT has no choice of maps for {kind}, so {says}"
        assert notes[0].startswith(start)


def test_peft_s_tables_are_read_from_its_source_as_they_are() -> None:
    from peft.utils import constants

    for kind, table in TABLES.items():
        assert chosen_for(kind) == frozenset(getattr(constants, table))
    boft = constants.TRANSFORMERS_MODELS_TO_BOFT_TARGET_MODULES_MAPPING
    assert boft == constants.TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING


def test_steps_of_models_that_were_read_wrongly_have_other_names(tmp_path: Path) -> None:
    source = written(tmp_path, ["layers.0.q_proj.weight"])
    named = {}
    for kind in ("llama", "mamba"):
        (tmp_path / "config.json").write_text(json.dumps({"model_type": kind}))
        named[kind] = set(model_key(source, locate(source, None)))
    assert named == {
        "llama": {"identity", "dtype", "sentinels"},
        "mamba": {"identity", "dtype", "sentinels", "reading"},
    }


def test_the_bundled_models_can_have_prefixes(tmp_path: Path) -> None:
    assert refused(tmp_path, METHOD) == []
    assert refused(tmp_path, METHOD, track="micro-t5") == []
