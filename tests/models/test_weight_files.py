"""A model folder as repositories have it: what transformers loads counts, and nothing else beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file, save_file

from suite.core.errors import SuiteError
from suite.models.backbone import load_backbone
from suite.models.names import has_matrix, matrix_names
from suite.models.source import ModelSource, locate
from suite.models.weight_files import weight_files
from tests.models.tiny_models import tiny_model, tiny_tokenizer


def save(folder: Path, shards: int = 1) -> Path:
    model = tiny_model("decoder")
    model.save_pretrained(folder, max_shard_size="5MB" if shards == 1 else 20_000)
    tiny_tokenizer().save_pretrained(folder)
    return folder


def found(folder: Path) -> Any:
    return locate(ModelSource(path=str(folder)), None)


def beside(folder: Path) -> None:
    """The same weights once more, under names of another library, as Mistral's repositories have them."""
    tensors = {name: value for file in weight_files(folder) for name, value in load_file(file).items()}
    others = {
        name.replace("self_attn.q_proj", "attention.wq").replace("model.", ""): each for name, each in tensors.items()
    }
    save_file(others, folder / "consolidated.safetensors", metadata={"format": "pt"})


@pytest.mark.parametrize("shards", [1, 3])
def test_a_consolidated_file_beside_the_weights_counts_for_nothing(tmp_path: Path, shards: int) -> None:
    folder = save(tmp_path / "model", shards)
    assert len(weight_files(folder)) >= shards
    before = found(folder)
    beside(folder)
    after = found(folder)
    assert after.parameters == before.parameters == sum(each.numel() for each in tiny_model("decoder").parameters())
    assert after.identity == before.identity
    names = matrix_names(after)
    assert names is not None
    assert has_matrix(names, "q_proj")
    assert not has_matrix(names, "wq")
    loaded = load_backbone(after, "cpu")
    assert sum(each.numel() for each in loaded.model.parameters()) == after.parameters


def test_other_files_alone_are_refused(tmp_path: Path) -> None:
    folder = save(tmp_path / "model")
    beside(folder)
    (folder / "model.safetensors").unlink()
    with pytest.raises(SuiteError, match=r"transformers does not load consolidated\.safetensors; save the model"):
        found(folder)


def damage(folder: Path, name: str) -> None:
    index = folder / "model.safetensors.index.json"
    if name == "shard":
        weight_files(folder)[1].unlink()
    elif name == "index":
        index.write_text("{")
    elif name == "map":
        index.write_text(json.dumps({"weight_map": {"a": 3}}))
    elif name == "list":
        index.write_text("[1]")
    elif name == "adapter":
        (folder / "adapter_config.json").write_text("{}")
    elif name == "half":
        file = weight_files(folder)[0]
        file.write_bytes(file.read_bytes()[:100])
    elif name == "shape":
        file = weight_files(folder)[0]
        file.write_bytes((59).to_bytes(8, "little") + b'{"a":{"dtype":"F32","shape":[-4,"b"],"data_offsets":[0,8]}}')
    elif name == "config":
        (folder / "config.json").write_text("[]")


SAID = {
    "shard": "lacks 1 of", "index": "cannot be read", "map": "names no shards", "list": "holds no settings",
    "adapter": "holds a PEFT adapter", "half": "the header is longer than the file", "shape": "a shape in it is none",
    "config": "config.json holds no settings",
}  # fmt: skip


@pytest.mark.parametrize("name", SAID)
def test_damage_is_named_in_one_line(tmp_path: Path, name: str) -> None:
    folder = save(tmp_path / "model", 3)
    damage(folder, name)
    with pytest.raises(SuiteError) as caught:
        load_backbone(found(folder), "cpu")
    assert SAID[name] in str(caught.value)
    assert "\n" not in str(caught.value)
