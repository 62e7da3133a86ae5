"""A PEFT adapter on top of a base: merged when the model is loaded, part of its identity."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import peft
import pytest
import torch

from suite.core.errors import SuiteError
from suite.models.backbone import load_backbone
from suite.models.source import ModelSource, locate
from tests.models.tiny_models import tiny_model, tiny_tokenizer


def save_base(folder: Path, shape: str = "decoder") -> None:
    tiny_model(shape).save_pretrained(folder)  # type: ignore[arg-type]
    tiny_tokenizer().save_pretrained(folder)


def save_adapter(base: Path, folder: Path, config: Any, loader: Any = None) -> Any:
    """The logits of the base with the adapter on it, which is saved."""
    from transformers import AutoModelForCausalLM

    torch.manual_seed(1)
    model = peft.get_peft_model((loader or AutoModelForCausalLM).from_pretrained(base), config)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_" in name or "ia3" in name:
                parameter.copy_(torch.randn_like(parameter) * 0.3)
    model.save_pretrained(folder)
    return model


CONFIGS = {
    "lora": peft.LoraConfig(r=4, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM"),
    "dora": peft.LoraConfig(r=4, use_dora=True, target_modules=["q_proj", "up_proj"], task_type="CAUSAL_LM"),
    "ia3": peft.IA3Config(target_modules=["k_proj"], feedforward_modules=[], task_type="CAUSAL_LM"),
}


@pytest.mark.parametrize("kind", CONFIGS)
def test_an_adapter_is_merged_into_its_base(kind: str, tmp_path: Path) -> None:
    save_base(tmp_path / "base")
    expected = save_adapter(tmp_path / "base", tmp_path / "adapter", CONFIGS[kind]).eval()
    ids = torch.tensor([[6, 7, 8, 9, 10]])
    source = ModelSource(path="base", adapter="adapter").beside(tmp_path, tmp_path)
    backbone, base = (
        load_backbone(locate(one, None), "cpu") for one in (source, ModelSource(path=str(tmp_path / "base")))
    )
    assert source.title == "base + adapter"
    assert type(backbone.model) is type(base.model)
    with torch.no_grad():
        logits = backbone.model(ids).logits
        torch.testing.assert_close(logits, expected(ids).logits, rtol=1e-4, atol=1e-4)
        assert not torch.allclose(logits, base.model(ids).logits, atol=1e-3)


def test_the_identity_is_of_base_and_adapter_and_not_of_their_places(tmp_path: Path) -> None:
    save_base(tmp_path / "base")
    for name, seed_of_weights in (("one", CONFIGS["lora"]), ("two", CONFIGS["dora"])):
        save_adapter(tmp_path / "base", tmp_path / name, seed_of_weights)
    shutil.copytree(tmp_path / "one", tmp_path / "copy")
    sources = [ModelSource(path=str(tmp_path / "base"), adapter=adapter and str(tmp_path / adapter))
               for adapter in (None, "one", "two", "copy")]  # fmt: skip
    bare, one, two, copy = (locate(source, None).identity for source in sources)
    assert len({bare, one, two}) == 3
    assert one == copy
    assert "adapter" not in sources[0].model_dump()  # what was named before keeps its name


def test_bfloat16_is_rounded_once_after_merging(tmp_path: Path) -> None:
    save_base(tmp_path / "base")
    save_adapter(tmp_path / "base", tmp_path / "adapter", CONFIGS["lora"])
    fields = {"path": str(tmp_path / "base"), "adapter": str(tmp_path / "adapter")}
    full, half = (load_backbone(locate(ModelSource(**fields, dtype=dtype), None), "cpu").model.state_dict()  # type: ignore[arg-type]
                  for dtype in ("float32", "bfloat16"))  # fmt: skip
    assert all(torch.equal(full[name].bfloat16(), half[name]) for name in full)


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        ("kind", "of the kind PROMPT_TUNING, which cannot be merged"), ("weights", "has no adapter_model.safetensors"),
        ("settings", "is not an adapter: it has no adapter_config.json"), ("gone", "there is no adapter folder"),
        ("shape", "does not fit the model"),
    ],
)  # fmt: skip
def test_what_cannot_be_merged_is_refused_in_one_line(damage: str, says: str, tmp_path: Path) -> None:
    save_base(tmp_path / "base")
    save_adapter(tmp_path / "base", tmp_path / "adapter", CONFIGS["lora"])
    settings = tmp_path / "adapter" / "adapter_config.json"
    if damage == "kind":
        settings.write_text(json.dumps({"peft_type": "PROMPT_TUNING"}))
    elif damage == "weights":
        (tmp_path / "adapter" / "adapter_model.safetensors").unlink()
    elif damage == "settings":
        settings.unlink()
    elif damage == "gone":
        shutil.rmtree(tmp_path / "adapter")
    else:
        settings.write_text(json.dumps({**json.loads(settings.read_text()), "r": 8}))
    source = ModelSource(path=str(tmp_path / "base"), adapter=str(tmp_path / "adapter"))
    with pytest.raises(SuiteError, match=says) as error:
        load_backbone(locate(source, None), "cpu")
    assert len(error.value.problems) == 1


def test_an_adapter_in_the_place_of_a_model_is_told_how_to_be_named(tmp_path: Path) -> None:
    save_base(tmp_path / "base")
    save_adapter(tmp_path / "base", tmp_path / "base", CONFIGS["lora"])
    with pytest.raises(SuiteError, match="adapter: FOLDER"):
        locate(ModelSource(path=str(tmp_path / "base")), None)


def test_an_adapter_of_the_hub_that_is_not_here_has_no_folder(tmp_path: Path) -> None:
    save_base(tmp_path / "base")
    located = locate(ModelSource(path=str(tmp_path / "base"), adapter="org/none"), None)
    assert located.folder is None
    assert located.identity.endswith(" + hub:org/none")
    (tmp_path / "models").mkdir()
    save_adapter(tmp_path / "base", tmp_path / "models" / "none", CONFIGS["lora"])
    assert locate(ModelSource(path=str(tmp_path / "base"), adapter="org/none"), tmp_path / "models").adapter is not None
