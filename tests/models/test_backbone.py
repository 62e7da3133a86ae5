"""Loading a base model: whole, frozen, in the asked type."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from suite.core.errors import SuiteError
from suite.models.backbone import Shape, as_backbone, load_backbone
from suite.models.source import LocatedModel, ModelSource, locate
from tests.models.tiny_models import bits, tiny_model, tiny_tokenizer


def saved(folder: Path, shape: Shape, dtype: torch.dtype = torch.float32) -> LocatedModel:
    tiny_model(shape).to(dtype).save_pretrained(folder)
    tiny_tokenizer().save_pretrained(folder)
    return locate(ModelSource(path=str(folder), sentinels=shape == "encoder-decoder"), None)


def test_a_saved_model_is_loaded_as_it_was(tmp_path: Path, shape: Shape) -> None:
    backbone = load_backbone(saved(tmp_path, shape), "cpu")
    assert backbone.shape == shape
    assert backbone.max_length == 128
    assert bits(backbone.model) == bits(tiny_model(shape))
    assert not backbone.model.training
    assert not any(p.requires_grad for p in backbone.model.parameters())


def test_half_precision_files_are_loaded_as_float32(tmp_path: Path, shape: Shape) -> None:
    model = load_backbone(saved(tmp_path, shape, torch.float16), "cpu").model
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}


def test_weights_that_are_not_whole_are_refused(tmp_path: Path, shape: Shape) -> None:
    located = saved(tmp_path, shape)
    tensors = load_file(tmp_path / "model.safetensors")
    lost = next(name for name in tensors if name.endswith(("q_proj.weight", "SelfAttention.q.weight")))
    save_file({name: value for name, value in tensors.items() if name != lost}, tmp_path / "model.safetensors")
    with pytest.raises(SuiteError, match=f"lack 1 tensors, {lost}"):
        load_backbone(located, "cpu")


def test_an_unknown_architecture_is_an_error_of_one_line(tmp_path: Path) -> None:
    located = saved(tmp_path, "decoder")
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "model_type": "lama"}))
    with pytest.raises(SuiteError, match="cannot load the model") as caught:
        load_backbone(located, "cpu")
    assert "\n" not in str(caught.value)


def test_an_unreachable_hub_is_an_error_with_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    located = LocatedModel(ModelSource(hub="nobody/nothing"), None, None, "hub:nobody/nothing@main", 0)
    with pytest.raises(SuiteError, match=r"from the hub \(nobody/nothing\).*--models"):
        load_backbone(located, "cpu")


def test_a_tokenizer_without_padding_pads_with_its_end(shape: Shape) -> None:
    tokenizer = tiny_tokenizer()
    tokenizer.pad_token = None
    backbone = as_backbone(tiny_model(shape), tokenizer, "x", device="cpu")
    assert backbone.pad_id == backbone.eos_id


def write_gguf(file: Path) -> dict[str, torch.Tensor]:
    """A Llama of one layer with a byte-level tokenizer, as llama.cpp would have it; returns its tensors."""
    gguf = pytest.importorskip("gguf")
    width, words = 32, ["</s>", *(chr(code) for code in range(ord("!"), ord("~") + 1)), "Ġ", "ab"]
    writer = gguf.GGUFWriter(str(file), "llama")
    writer.add_context_length(64)
    writer.add_embedding_length(width)
    writer.add_block_count(1)
    writer.add_feed_forward_length(48)
    writer.add_head_count(2)
    writer.add_head_count_kv(2)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_vocab_size(len(words))
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(words)
    writer.add_token_merges(["a b"])
    writer.add_eos_token_id(0)
    shapes = {
        "token_embd": (len(words), width), "output": (len(words), width), "output_norm": (width,),
        **{f"blk.0.attn_{part}": (width, width) for part in ("q", "k", "v", "output")}, "blk.0.attn_norm": (width,),
        "blk.0.ffn_gate": (48, width), "blk.0.ffn_up": (48, width), "blk.0.ffn_down": (width, 48),
        "blk.0.ffn_norm": (width,),
    }  # fmt: skip
    torch.manual_seed(0)
    tensors = {f"{name}.weight": torch.randn(shape) for name, shape in shapes.items()}
    for name, tensor in tensors.items():
        writer.add_tensor(name, tensor.numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return tensors


def test_a_gguf_file_is_loaded_with_its_tokenizer(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    tensors = write_gguf(tmp_path / "tiny.gguf")
    located = locate(ModelSource(gguf="tiny.gguf"), tmp_path)
    capfd.readouterr()
    backbone = load_backbone(located, "cpu")
    assert "GGUF tensors" not in capfd.readouterr().err  # transformers' bar
    assert located.parameters == sum(tensor.numel() for tensor in tensors.values())
    assert torch.equal(backbone.model.get_input_embeddings().weight, tensors["token_embd.weight"])
    assert torch.equal(backbone.model.get_output_embeddings().weight, tensors["output.weight"])
    assert (backbone.max_length, backbone.eos_id) == (64, 0)
    assert backbone.tokenizer.decode(backbone.tokenizer.encode("cab cab")) == "cab cab"
