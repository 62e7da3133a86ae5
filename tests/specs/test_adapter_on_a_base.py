"""`model: {…, adapter: …}` of a track: found beside the file that says so, and trained on from there."""

from __future__ import annotations

from pathlib import Path

import peft
import pytest
from transformers import AutoModelForCausalLM

from suite.micro import MODELS
from suite.specs import load
from suite.specs.load import Options
from tests.cli.calls import suite

TRACK = """\
name: mine
model: {bundled: micro-llama, adapter: ../../adapter}
roles: {cb: micro_cb, triviaqa: micro_triviaqa}
held_out: {roles: [triviaqa], shots: [1], documents: 4}
target: {documents: 4}
selection: {documents: 4}
budget: {batch_size: 4, max_length: 128}
methods: {lora: {steps: 2}}
"""


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    model = AutoModelForCausalLM.from_pretrained(MODELS / "micro-llama")
    adapted = peft.get_peft_model(model, peft.LoraConfig(r=2, init_lora_weights=False, task_type="CAUSAL_LM"))
    adapted.save_pretrained(tmp_path / "adapter")
    (tmp_path / "specs" / "tracks").mkdir(parents=True)
    (tmp_path / "specs" / "tracks" / "mine.yaml").write_text(TRACK, encoding="utf-8")
    file = tmp_path / "specs" / "lora_cb.yaml"
    file.write_text("name: lora_cb\ntrack: mine\nmethod: {name: lora}\ntargets: [cb]\n", encoding="utf-8")
    return file


def test_a_row_is_trained_on_the_base_with_its_adapter(spec: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = spec.parent / "runs"
    code, _, err = suite(capsys, "run", spec, "--home", home)
    assert code == 0, err
    _, out, _ = suite(capsys, "show", "lora_cb", "--home", home)
    assert "cb    0      Neither" in out


def test_another_model_of_a_spec_takes_the_place_of_the_adapter_too(spec: Path) -> None:
    (experiment,) = load([spec], Options(sets=("model.bundled=micro-t5",)))
    assert experiment.track.model.adapter is None
    (experiment,) = load([spec], Options(sets=("model.dtype=bfloat16",)))
    assert experiment.track.model.adapter == "../../adapter"
