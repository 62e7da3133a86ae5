"""Base models in 4 and 8 bits: loaded so, changed by adapters and prompts alone, and refused where that cannot be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

import suite
from suite.core.errors import SuiteError
from suite.models.backbone import Shape, load_backbone
from suite.models.quantized import Quantization, is_quantized
from suite.models.source import ModelSource, locate
from tests.saving.trained import FAST, IA3, LORA, PROMPT, WEIGHTS

pytest.importorskip("bitsandbytes")
BUNDLED = {"decoder": "micro-llama", "encoder-decoder": "micro-t5"}
METHODS: dict[str, dict[str, Any]] = {
    "pretrained": {}, "lora": LORA, "rslora": {**LORA, "learning_rate": 0.01}, "ia3": IA3, "prompt_tuning": PROMPT,
    "prefix_tuning": {"steps": 3, "learning_rate": 1.0, "length": 4, "select_every": 3},
}  # fmt: skip


@pytest.mark.parametrize("kind", ["4bit", "8bit"])
def test_linear_maps_are_in_few_bits_and_the_model_answers_nearly_as_before(shape: Shape, kind: Quantization) -> None:
    full = load_backbone(locate(ModelSource(bundled=BUNDLED[shape]), None), "cpu")
    few = load_backbone(locate(ModelSource(bundled=BUNDLED[shape], quantization=kind), None), "cpu")
    assert is_quantized(few.model)
    assert not is_quantized(full.model)
    assert few.model.get_memory_footprint() < 0.7 * full.model.get_memory_footprint()
    assert not any(parameter.requires_grad for parameter in few.model.parameters())
    cosines = torch.nn.functional.cosine_similarity(few.probe, full.probe)
    assert not torch.equal(few.probe, full.probe)
    assert float(cosines.min()) > 0.9


def test_it_is_another_model_with_another_name() -> None:
    full, four, eight = (
        locate(ModelSource(bundled="micro-llama", quantization=kind), None) for kind in (None, "4bit", "8bit")
    )
    assert len({full.identity, four.identity, eight.identity}) == 3
    assert four.source.title == "micro-llama (4bit)"
    assert "quantization" not in full.source.model_dump()


def test_without_the_package_one_line_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("suite.models.quantized.find_spec", lambda name: None)
    with pytest.raises(SuiteError, match=r"needs the package bitsandbytes; pip install bitsandbytes"):
        locate(ModelSource(bundled="micro-llama", quantization="4bit"), None)


@pytest.mark.parametrize("other", [{"gguf": "a.gguf"}, {"bundled": "micro-llama", "adapter": "a"}])
def test_it_does_not_go_with_what_is_rounded_or_added_before(other: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="do not go together"):
        ModelSource(**other, quantization="4bit")  # type: ignore[arg-type]


def write(folder: Path, track: str, methods: dict[str, dict[str, Any]], **model: str) -> list[Path]:
    """A track whose base is in few bits, and a spec for each method."""
    (folder / "specs" / "tracks").mkdir(parents=True, exist_ok=True)
    own = {"extends": track, "name": f"few-{track}", "model": model}
    (folder / "specs" / "tracks" / f"few-{track}.yaml").write_text(yaml.safe_dump(own))
    files = []
    for name, settings in methods.items():
        spec = {"name": name, "track": f"few-{track}", "method": {"name": name, **settings}, "targets": ["rte"]}
        files.append(folder / "specs" / f"{name}.yaml")
        files[-1].write_text(yaml.safe_dump(spec))
    return files


@pytest.mark.slow
@pytest.mark.parametrize(("track", "bundled"), [("micro", "micro-llama"), ("micro-t5", "micro-t5")])
def test_adapters_and_prompts_are_trained_and_change_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, track: str, bundled: str
) -> None:
    monkeypatch.chdir(tmp_path)
    model = {"bundled": bundled, "quantization": "4bit", "dtype": "bfloat16"}
    files = write(tmp_path, track, METHODS, **model)
    outcome = suite.run(suite.plan(suite.load_spec(*files, overrides=FAST), home="home"))
    assert dict(outcome.failed) == {}
    outputs: dict[str, tuple[str, ...]] = {}
    with suite.open_store("home") as store:
        for record in store.experiments():
            found = suite.answers(store, record.id, role="rte")
            outputs[record.name] = tuple(each.output for each in found.answers)
    assert set(outputs) == set(METHODS)
    assert sum(outputs[name] != outputs["pretrained"] for name in METHODS) >= 2  # each is checked before it answers


def test_a_plan_refuses_methods_that_need_the_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    methods: dict[str, dict[str, Any]] = dict.fromkeys(
        ("finetune", "promot", "joint_tuning", "svf", "dora", "pissa", "boft"), WEIGHTS
    )
    files = write(tmp_path, "micro", methods, bundled="micro-llama", quantization="8bit")
    for file, name in zip(files, methods, strict=True):
        with pytest.raises(SuiteError) as caught:
            suite.plan(suite.load_spec(file), home="home")
        text = str(caught.value)
        assert f"{name} reads or changes the weights themselves, and those of micro-llama (8bit) are quantised" in text
        assert "\n" not in text
