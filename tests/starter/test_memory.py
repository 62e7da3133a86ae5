"""A model that fits for some methods gets a workspace of these."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from suite.core.errors import SuiteError
from suite.starter import memory
from suite.starter.memory import methods_that_fit
from suite.starter.timing import measure
from tests.cli.calls import suite
from tests.models.tiny_models import tiny_backbone

TABLE = "text,label\n" + "".join(f"a {'xy'[n % 2]} in line {n},{'ab'[n % 2]}\n" for n in range(40))


@pytest.mark.parametrize(
    ("dtype", "device", "free", "left_out"),
    [
        ("float32", "cpu", 36_000, []),
        ("float32", "cpu", 35_999, ["finetune", "promot"]),
        ("float32", "cpu", 20_000, ["finetune", "promot"]),
        ("float32", "cpu", 19_999, ["finetune", "promot", "svf"]),
        ("bfloat16", "cuda", 18_000, []),
        ("bfloat16", "cuda", 2_000, ["finetune", "promot", "svf"]),
    ],
)
def test_what_needs_more_memory_than_there_is_is_left_out(
    monkeypatch: pytest.MonkeyPatch, dtype: str, device: str, free: int, left_out: list[str]
) -> None:
    monkeypatch.setattr(memory, "_free", lambda device: free)
    monkeypatch.setattr(memory, "on_cpu", lambda device: device == "cpu")
    found = methods_that_fit(1000, dtype, device)
    assert list(found.left_out) == left_out
    assert set(found.methods) == set(memory.METHODS) - set(left_out)
    assert bool(found.note) == bool(left_out)


def test_a_model_that_memory_cannot_hold_is_refused_before_it_is_loaded() -> None:
    with pytest.raises(SuiteError, match=r"10000\.0 billion weights take 40\.0 TB, and .* are free; choose a smaller"):
        methods_that_fit(10**13, "float32", "cpu")


def test_the_workspace_has_the_methods_that_fit_and_a_line_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(memory, "_free", lambda device: 20_000_000)
    Path("t.csv").write_text(TABLE, "utf-8")
    code, out, err = suite(capsys, "new", "mine", "--data", "t.csv", "--minutes", "1")
    assert (code, err) == (0, "")
    (note,) = (line for line in out.splitlines() if "left out" in line)
    assert note.startswith("note: left out, as memory does not hold their training: finetune (")
    assert note.endswith("; 20.0 MB are free")
    assert " for 3 specs" in out
    assert sorted(file.stem for file in Path("mine/specs").glob("*.yaml")) == ["lora", "pretrained", "prompt_tuning"]
    track = yaml.safe_load(Path("mine/specs/tracks/mine.yaml").read_text("utf-8"))
    assert set(track["methods"]) == {"lora", "prompt_tuning"}
    assert note.removeprefix("note: ") in Path("mine/README.md").read_text("utf-8")
    monkeypatch.chdir("mine")
    assert suite(capsys, "plan")[0] == 0


@pytest.mark.parametrize("kind", ["decoder", "encoder-decoder"])
def test_without_room_for_gradients_a_step_is_timed_without_them(kind: str) -> None:
    backbone = tiny_backbone(kind)
    speed = measure(backbone, [("is it red", " True")] * 4, 2, full=False)
    assert speed.training > 0
    assert all(parameter.grad is None and not parameter.requires_grad for parameter in backbone.model.parameters())
