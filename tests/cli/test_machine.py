"""`suite plan --machine`: each step's memory on a machine that is not here, for models without weights."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from suite.core.errors import SuiteError
from suite.core.quantities import size
from suite.micro import MODELS
from suite.planning.machine import CONTEXT, TargetMachine
from tests.cli.calls import suite

LLAMA = {
    "model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_size": 4096, "intermediate_size": 27477,
    "num_hidden_layers": 2, "num_attention_heads": 32, "num_key_value_heads": 32, "vocab_size": 32000,
    "max_position_embeddings": 2048, "tie_word_embeddings": False, "bos_token_id": 3, "eos_token_id": 1,
    "pad_token_id": 0,
}  # fmt: skip
"""Two layers with the weights of four of Llama-2-7B: half as much to simulate."""
PARAMETERS = 1_071_656_960
METHODS = (Path(__file__).parents[2] / "docs" / "methods.md").read_text(encoding="utf-8")
SMALL = ("--set", "held_out.roles=[cb]", "--set", "held_out.documents=8", "--set", "target.documents=8")


@pytest.fixture
def described(tmp_path: Path) -> Path:
    """A folder with a config and a tokenizer, and no weights."""
    folder = tmp_path / "described"
    shutil.copytree(MODELS / "micro-llama", folder, ignore=shutil.ignore_patterns("*.safetensors"))
    (folder / "config.json").write_text(json.dumps(LLAMA))
    return folder


def spec(folder: Path, method: str) -> Path:
    file = folder / "mine.yaml"
    file.write_text(f"name: mine\ntrack: micro\nmethod: {method}\ntargets: [rte]\n")
    return file


def plan(
    capsys: pytest.CaptureFixture[str], folder: Path, model: Path, machine: str, method: str, *more: str
) -> tuple[int, str, str]:
    where = f"model={{path: {model}, dtype: bfloat16}}"
    home = ("--home", folder / "home")
    return suite(capsys, "plan", spec(folder, method), "--set", where, *SMALL, *more, "--machine", machine, *home)


def test_what_does_not_fit_is_refused_with_the_setting_that_helps(
    tmp_path: Path, described: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    method = "{name: finetune, steps: 4}"
    code, out, err = plan(capsys, tmp_path, described, "1xA10-12GB", method)
    assert code == 2
    (line,) = err.strip().splitlines()
    assert "train finetune on rte · micro needs" in line
    remedy = line.rpartition("set `")[2].rstrip("`")
    assert remedy == "method.clip: null, method.optimizer: adamw8bit"
    assert "no" in next(row for row in out.splitlines() if row.startswith("train finetune")).split()
    settings = remedy.replace("method.", "")
    code, out, _ = plan(capsys, tmp_path, described, "1xA10-12GB", f"{{name: finetune, steps: 4, {settings}}}")
    assert code == 0
    assert size(2 * PARAMETERS) in out  # the base, where it answers
    assert not (tmp_path / "home").exists()


def test_on_a_cpu_the_runner_saves_no_memory_by_itself_and_the_settings_are_named(
    tmp_path: Path, described: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = plan(capsys, tmp_path, described, "cpu-16GB", "{name: finetune, steps: 4}")
    assert code == 2
    assert "with gradient checkpointing" not in out + err
    assert err.strip().endswith("set `budget.gradient_checkpointing: true, method.clip: null`")


def test_more_of_the_machines_gpus_are_named_for_a_step_that_does_not_fit_one(
    tmp_path: Path, described: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = plan(capsys, tmp_path, described, "4xA10-12GB", "{name: finetune, steps: 4, clip: null}")
    assert code == 2
    assert err.strip().endswith("set `budget.shard: 4`")
    shard = ("--set", "budget.shard=4")
    for setting in (shard, ("--set", "budget.shard=auto")):
        code, _, _ = plan(capsys, tmp_path, described, "4xA10-12GB", "{name: finetune, steps: 4, clip: null}", *setting)
        assert code == 0
    code, _, err = plan(capsys, tmp_path, described, "1xA10-12GB", "{name: finetune, steps: 4, clip: null}", *shard)
    assert code == 2
    assert err.strip().endswith("set `budget.shard: 1`")


def test_a_machine_that_cannot_be_read_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = suite(capsys, "plan", "specs/pretrained.yaml", "--track=micro", "--machine", "a big one")
    assert code == 2
    assert err.startswith("error: --machine: 'a big one' describes no machine; write the number of GPUs")


def test_a_stack_of_two_artifacts_is_named_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    method, home = "{name: promot, steps: 2, stage_one: {steps: 2}}", ("--home", tmp_path / "home")
    code, out, _ = suite(capsys, "plan", spec(tmp_path, method), *SMALL, "--machine", "cpu-16GB", *home)
    assert code == 0
    assert "micro_rte 0-shot · prompt_tuning on rte · micro + promot on rte · micro " in out


def test_machines_are_read() -> None:
    machine = TargetMachine.of("8xH100-80GB")
    assert (machine.count, machine.name, machine.memory) == (8, "H100", 80 * 10**9)
    assert machine.usable == 76 * 10**9 - CONTEXT
    assert machine.speed.arithmetic["bf16"] == pytest.approx(0.4 * 989e12)
    assert not TargetMachine.of("cpu-16GB").on_gpu
    for wrong in ("H100", "0xH100-80GB", "1xH100-80"):
        with pytest.raises(SuiteError, match="describes no machine"):
            TargetMachine.of(wrong)


def test_a_method_from_outside_is_simulated_or_its_memory_is_unknown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (own,) = re.findall(r"^```python methods/own_loop.py\n(.*?)```", METHODS, re.MULTILINE | re.DOTALL)
    (tmp_path / "methods").mkdir()
    (tmp_path / "methods" / "own_loop.py").write_text(own)
    (tmp_path / "methods" / "reader.py").write_text(own.replace(
        "    batches, budget =", "    prompt.detach().numpy()\n    batches, budget ="
    ))  # fmt: skip
    home = ("--home", tmp_path / "home", "--machine", "1xL4-24GB")
    code, out, _ = suite(capsys, "plan", spec(tmp_path, "{name: own_loop, steps: 4}"), *SMALL, *home)
    assert code == 0
    assert "unknown" not in out
    assert " of memory" not in out  # the rough estimate, beside the predicted one
    code, out, _ = suite(capsys, "plan", spec(tmp_path, "{name: reader, steps: 4}"), *SMALL, *home)
    assert code == 0
    assert "note: train reader on rte · micro: its memory cannot be predicted (" in out
