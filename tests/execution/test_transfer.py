"""Singular vectors of one base on another: refused, unless a transfer is asked for."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from suite.models.artifacts import load_artifact
from suite.models.artifacts.singular import Singular
from suite.models.source import ModelSource, locate
from tests.cli.calls import start

BUNDLED = Path(__file__).parents[2] / "suite" / "micro" / "models" / "micro-llama"
SPEC = """
name: moved
track: micro-t2
method:
  name: svf_transfer
  base: {path: OTHER}
  expert: {steps: 2, select_every: 1}
targets: [reasoning]
held_out: {roles: [math_hard], documents: 8}
target: {documents: 8}
selection: {documents: 8}
budget: {batch_size: 4, max_length: 64}
"""


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """A model of the same shapes with other weights."""
    folder = tmp_path / "other"
    shutil.copytree(BUNDLED, folder)
    (file,) = folder.glob("*.safetensors")
    save_file({name: tensor * 1.01 for name, tensor in load_file(file).items()}, file, metadata={"format": "pt"})
    return folder


def test_vectors_of_another_model_are_put_beside_this_ones_singular_values(tmp_path: Path, other: Path) -> None:
    spec = tmp_path / "moved.yaml"
    spec.write_text(SPEC.replace("OTHER", str(other)), encoding="utf-8")
    process = start("run", spec, "--home", tmp_path / "home")
    _, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    with sqlite3.connect(tmp_path / "home" / "suite.db") as connection:
        steps = dict(connection.execute("SELECT title, id FROM step WHERE kind = 'train'").fetchall())
    moved = steps["train svf_transfer on reasoning · micro-t2 · seed 0"]
    given = steps["train svf on reasoning with other · micro-t2 · seed 0"]
    here, there = (
        locate(source, None).identity for source in (ModelSource(bundled="micro-llama"), ModelSource(path=str(other)))
    )
    artifacts = tmp_path / "home" / "artifacts"
    one, two = load_artifact(artifacts / given, there), load_artifact(artifacts / moved, here)
    assert isinstance(one, Singular)
    assert isinstance(two, Singular)
    for name, mask in one.masks.items():
        assert mask.equal(two.masks[name])
        assert not one.values[name].equal(two.values[name])
