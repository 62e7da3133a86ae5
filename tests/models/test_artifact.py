"""Artifacts on disk: what is loaded is what was saved, for the model it was made for."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from suite.core.errors import SuiteError
from suite.models.artifact_files import TENSORS, TYPES, difference
from suite.models.artifacts import Artifact, load_artifact
from suite.models.artifacts.adapter import Adapter
from suite.models.artifacts.joint import Joint
from suite.models.artifacts.prefix import Prefix
from suite.models.artifacts.prompt import SoftPrompt
from suite.models.artifacts.singular import Singular
from suite.models.artifacts.weights import Weights

ARTIFACTS: dict[str, Artifact] = {
    "prompt": SoftPrompt(torch.arange(6.0).reshape(2, 3)),
    "prefix": Prefix(torch.arange(24.0).reshape(1, 2, 2, 3, 2)),
    "adapter": Adapter({"a": torch.ones(2)}, {"peft_type": "LORA", "r": 2}),
    "weights": Weights({"b": torch.ones(3), "a": torch.zeros(2, dtype=torch.bfloat16)}),
}


@pytest.fixture(params=list(ARTIFACTS))
def artifact(request: pytest.FixtureRequest) -> Artifact:
    return ARTIFACTS[request.param]


def test_what_is_loaded_is_what_was_saved(artifact: Artifact, tmp_path: Path) -> None:
    size = artifact.save(tmp_path, base="me", extra={"step": 3})
    loaded = load_artifact(tmp_path, "me")
    assert (loaded.kind, loaded.hash, loaded.parameters) == (artifact.kind, artifact.hash, artifact.parameters)
    assert size == (tmp_path / "artifact.safetensors").stat().st_size


def test_another_base_is_refused(artifact: Artifact, tmp_path: Path) -> None:
    artifact.save(tmp_path, base="me")
    with pytest.raises(SuiteError, match="another base model"):
        load_artifact(tmp_path, "you")


def test_changed_bytes_are_refused(artifact: Artifact, tmp_path: Path) -> None:
    artifact.save(tmp_path, base="me")
    file = tmp_path / "artifact.safetensors"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    with pytest.raises(SuiteError, match="hash differs"):
        load_artifact(tmp_path, "me")


def test_half_an_artifact_is_none(artifact: Artifact, tmp_path: Path) -> None:
    artifact.save(tmp_path, base="me")
    file = tmp_path / "artifact.safetensors"
    file.write_bytes(file.read_bytes()[:-2])
    with pytest.raises(SuiteError, match="is damaged"):
        load_artifact(tmp_path, "me")
    (tmp_path / "artifact.json").unlink()
    with pytest.raises(SuiteError, match="no readable artifact"):
        load_artifact(tmp_path, "me")


def test_the_hash_is_of_names_shapes_types_values_and_settings() -> None:
    ones = torch.ones(4)
    different = [
        Weights({"a": ones}), Weights({"b": ones}), Weights({"a": ones.reshape(2, 2)}), Weights({"a": ones.double()}),
        Weights({"a": -ones}), Adapter({"a": ones}, {"alpha": 1}), Adapter({"a": ones}, {"alpha": 2}),
    ]  # fmt: skip
    assert len({artifact.hash for artifact in different}) == len(different)
    assert Weights({"a": ones, "b": ones * 2}).hash == Weights({"b": ones * 2, "a": ones}).hash


OTHERS: dict[str, Artifact] = {
    "singular": Singular({"m": torch.ones(2)}, {"m": torch.ones(2)}, renormalise=True),
    "joint": Joint(torch.ones(2, 3), {"w": torch.zeros(2)}),
    "no state": Adapter({}, {"peft_type": "LORA"}),
    "every type": Weights({name: torch.ones((), dtype=getattr(torch, name)) for name in TYPES.values()}),
    "a type without a name": Weights({"w": torch.zeros(2, dtype=torch.float8_e5m2)}),
}


@pytest.mark.parametrize("name", [*ARTIFACTS, *OTHERS])
def test_the_files_of_a_sound_artifact_have_its_hash(name: str, tmp_path: Path) -> None:
    artifact = (ARTIFACTS | OTHERS)[name]
    artifact.save(tmp_path, base="me")
    assert difference(tmp_path, "me", artifact.hash) == ""
    assert "hash differs" in difference(tmp_path, "me", "another")
    assert "hash differs" in difference(tmp_path, "you", artifact.hash)


def test_each_flipped_bit_of_a_tensor_shows_in_its_file(artifact: Artifact, tmp_path: Path) -> None:
    artifact.save(tmp_path, base="me")
    file = tmp_path / TENSORS
    sound = file.read_bytes()
    for bit in range(8 * (8 + int.from_bytes(sound[:8], "little")), 8 * len(sound)):
        content = bytearray(sound)
        content[bit // 8] ^= 1 << bit % 8
        file.write_bytes(content)
        assert difference(tmp_path, "me", artifact.hash) == "is not what was saved: its hash differs"


def test_a_file_that_is_cut_anywhere_is_damaged(artifact: Artifact, tmp_path: Path) -> None:
    artifact.save(tmp_path, base="me")
    for file in sorted(tmp_path.iterdir()):
        sound = file.read_bytes()
        for size in range(len(sound) - 1):  # a record ends with a line break
            file.write_bytes(sound[:size])
            assert difference(tmp_path, "me", artifact.hash)
        file.write_bytes(sound)
