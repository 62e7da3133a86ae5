"""Finding a model: every way it can be named, and every way it can be missing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from suite.core.errors import SuiteError
from suite.models import filehash
from suite.models.source import ModelSource, locate
from tests.models.tiny_models import tiny_model, tiny_tokenizer


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))


def save(folder: Path, seed: int = 0) -> Path:
    tiny_model("decoder", seed=seed).save_pretrained(folder)
    tiny_tokenizer().save_pretrained(folder)
    return folder


@pytest.mark.parametrize("settings", [{}, {"bundled": "a", "hub": "b"}, {"path": "a", "revision": "main"}])
def test_a_model_is_named_in_exactly_one_way(settings: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match=r"exactly one of|belongs to a hub model"):
        ModelSource(**settings)


def test_an_unknown_bundled_model_is_answered_with_the_known_ones() -> None:
    with pytest.raises(SuiteError, match=r"no bundled model 'micro-lama'"):
        locate(ModelSource(bundled="micro-lama"), None)


def test_identity_is_of_the_content_and_not_of_the_place(tmp_path: Path) -> None:
    first, copy, other = (save(tmp_path / name, seed) for name, seed in (("a", 0), ("b", 0), ("c", 1)))
    found = [locate(ModelSource(path=str(folder)), None) for folder in (first, copy, other)]
    assert found[0].identity == found[1].identity != found[2].identity
    assert found[0].parameters == sum(p.numel() for p in tiny_model("decoder").parameters())


@pytest.mark.parametrize("kept", ["org--tiny", "tiny"])
def test_a_hub_model_is_taken_from_the_models_folder_first(tmp_path: Path, kept: str) -> None:
    folder = save(tmp_path / "models" / kept)
    assert locate(ModelSource(hub="org/tiny"), tmp_path / "models").folder == folder


def test_a_hub_model_that_is_not_here_is_left_to_the_hub() -> None:
    found = locate(ModelSource(hub="org/tiny", revision="abc"), None)
    assert (found.folder, found.identity) == (None, "hub:org/tiny@abc")


def test_an_impossible_hub_id_is_refused() -> None:
    with pytest.raises(SuiteError, match="not a hub id"):
        locate(ModelSource(hub="a/b/c"), None)


def test_pickled_weights_are_refused(tmp_path: Path) -> None:
    folder = save(tmp_path / "a")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(SuiteError, match=r"\.bin files are not loaded"):
        locate(ModelSource(path=str(folder)), None)


def test_what_is_missing_or_damaged_is_said(tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match="no model folder"):
        locate(ModelSource(path=str(tmp_path / "nowhere")), None)
    with pytest.raises(SuiteError, match=r"no config\.json"):
        locate(ModelSource(path=str(tmp_path)), None)
    with pytest.raises(SuiteError, match="no GGUF file"):
        locate(ModelSource(gguf="nowhere.gguf"), tmp_path)
    (tmp_path / "bad.gguf").write_bytes(b"not a gguf file at all")
    with pytest.raises(SuiteError, match="not a readable GGUF"):
        locate(ModelSource(gguf="bad.gguf"), tmp_path)
    folder = save(tmp_path / "a")
    (folder / "model.safetensors").write_bytes(b"\x00" * 100)
    with pytest.raises(SuiteError, match="not a readable safetensors"):
        locate(ModelSource(path=str(folder)), None)


def test_a_decoder_has_no_sentinels(tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match="decoder-only"):
        locate(ModelSource(path=str(save(tmp_path / "a")), sentinels=True), None)


def test_big_files_are_hashed_once_and_again_when_they_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, read = tmp_path / "big", []
    monkeypatch.setattr(filehash, "WORTH_KEEPING", 1)
    monkeypatch.setattr(filehash, "file_hash", lambda path: read.append(path) or path.read_text())
    for text, stamp in (("one", 1), ("one", 1), ("two", 2)):
        file.write_text(text)
        os.utime(file, ns=(stamp, stamp))
        assert filehash.cached_file_hash(file) == text
    assert len(read) == 2
    assert len(json.loads((tmp_path / "cache/finetune-suite/hashes.json").read_text())) == 2


def test_finding_a_model_and_listing_methods_does_not_load_torch() -> None:
    code = (
        "import sys; from suite import methods; import suite.models.source, suite.training.job;"
        "[methods.get(name).Config for name in methods.names()];"
        "print(sorted({'torch', 'transformers', 'peft', 'lm_eval', 'datasets'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_quantised_weights_are_refused_with_what_to_name_instead(tmp_path: Path) -> None:
    save(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    settings = {"quant_method": "bitsandbytes", "load_in_4bit": True}
    (tmp_path / "config.json").write_text(json.dumps({**config, "quantization_config": settings}))
    with pytest.raises(SuiteError, match=r"quantised \(bitsandbytes\).*name the model that it was made of"):
        locate(ModelSource(path=str(tmp_path)), None)
