"""Matrices that a model does not have are refused when planning, where its files tell."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest

from suite.core.errors import SuiteError
from suite.models.names import has_kind, has_matrix, matrix_names, short_names
from suite.models.source import ModelSource, locate
from suite.planning import Inputs, make_plan
from suite.specs import Options, load
from suite.tasks.data import DataLocations
from tests.models.test_backbone import write_gguf

LLAMA = ["down_proj", "gate_proj", "k_proj", "o_proj", "q_proj", "up_proj", "v_proj"]


def refused(folder: Path, method: str, more: str = "", track: str | None = "micro") -> list[str]:
    file = folder / "mine.yaml"
    file.write_text(f"name: mine\ntargets: [rte]\n{more}method: {method}\n")
    try:
        make_plan(load([file], Options(track)), Inputs(DataLocations()))
    except SuiteError as error:
        return [str(problem).removeprefix(f"{folder}/") for problem in error.problems]
    return []


@pytest.mark.parametrize("method", ["lora", "dora", "rslora", "pissa", "boft"])
def test_a_matrix_that_is_not_there_is_told_with_those_that_are(tmp_path: Path, method: str) -> None:
    (line,) = refused(tmp_path, f"{{name: {method}, target_modules: [q_proj, nope]}}")
    known = f"known: {', '.join(LLAMA)}"
    assert line == f"mine.yaml:3: method.target_modules: there is no matrix 'nope' in micro-llama; {known}"


def test_sweeps_and_blocks_inside_of_others_are_looked_through(tmp_path: Path) -> None:
    (swept,) = refused(tmp_path, "{name: lora}", "sweep: {target_modules: [[q_proj], [nope]]}\n")
    assert swept.startswith("mine.yaml:3: sweep.target_modules: there is no matrix 'nope'")
    method = "{name: mixture, experts: [cb], weights: uniform, expert: {name: lora, target_modules: [nope]}}"
    (inner,) = refused(tmp_path, method)
    assert inner.startswith("mine.yaml:3: method.expert.target_modules: there is no matrix 'nope'")


def test_it_is_the_tracks_model_that_is_asked(tmp_path: Path) -> None:
    (line,) = refused(tmp_path, "{name: lora, target_modules: [q_proj]}", track="micro-t5")
    assert "there is no matrix 'q_proj' in micro-t5; known: k, o, q, " in line
    assert refused(tmp_path, "{name: lora, target_modules: [q, wi_0]}", track="micro-t5") == []


@pytest.mark.parametrize(
    "chosen", ["[q_proj, down_proj]", "[layers.0.self_attn.q_proj]", "[lm_head]", "all-linear", "null"]
)
def test_what_peft_would_find_is_let_through(tmp_path: Path, chosen: str) -> None:
    assert refused(tmp_path, f"{{name: lora, target_modules: {chosen}}}") == []


def test_no_matrix_at_all_is_refused(tmp_path: Path) -> None:
    assert "names no matrix; known: " in refused(tmp_path, "{name: lora, target_modules: []}")[0]


def written(folder: Path, names: list[str]) -> ModelSource:
    """A model folder of which only heads can be read."""
    head = json.dumps({name: {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]} for name in names}).encode()
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(head)) + head)
    (folder / "config.json").write_text("{}")
    return ModelSource(path=str(folder))


def test_a_kind_of_matrices_that_a_model_lacks_is_refused(tmp_path: Path) -> None:
    source = written(tmp_path, ["layers.0.mixer.in_proj.weight"])
    method = "{name: svf, matrices: attention}"
    (line,) = refused(tmp_path, method, f"model: {{path: {source.path}, bundled: null}}\n")
    assert line.startswith("mine.yaml:4: method.matrices: ")
    assert "has no matrices of the kind 'attention'; known: in_proj" in line
    names = matrix_names(locate(source, None))
    assert names is not None
    assert (has_kind(names, "mlp"), has_kind(names, "all"), has_kind((), "mlp")) == (True, True, True)


def test_where_files_do_not_tell_it_is_left_to_the_step(tmp_path: Path) -> None:
    assert matrix_names(locate(ModelSource(hub="no/such-model-here"), None)) is None
    source = written(tmp_path, ["model.layers.0.block_sparse_moe.experts.0.w1.weight"])
    assert matrix_names(locate(source, None)) is None


def test_a_gguf_file_tells_the_names_that_its_model_will_have(tmp_path: Path) -> None:
    write_gguf(tmp_path / "tiny.gguf")
    names = matrix_names(locate(ModelSource(gguf="tiny.gguf"), tmp_path))
    assert names is not None
    assert short_names(names) == LLAMA
    assert has_matrix(names, "q_proj")
    assert not has_matrix(names, "attn_q")
