"""The disk of a plan: artifacts that stay, checkpoints that go, and a line where they do not fit."""

from __future__ import annotations

from pathlib import Path

import pytest

from suite.core.disk import DiskSpace
from suite.planning import Inputs, Step, make_plan
from suite.planning.disk import shape_of
from suite.specs import Options, load
from suite.tasks.data import DataLocations
from tests.cli.calls import SMALL, suite

PARAMETERS = 1_951_680
"""Of the bundled micro-llama."""
TINY = [*SMALL, "--set", "method.steps=2", "--set", "method.select_every=1"]


def training(specs: Path, name: str, *sets: str, sizes: dict[tuple[str, str], tuple[int, int]] | None = None) -> Step:
    made = make_plan(load([specs / f"{name}.yaml"], Options(sets=sets)), Inputs(DataLocations(), sizes=sizes))
    return next(step for step in reversed(made.steps) if step.kind == "train")


def test_all_weights_take_what_the_model_takes_and_their_checkpoints_a_multiple(specs: Path) -> None:
    cost = training(specs, "finetune_rte", "method.select_every=5").estimate
    assert cost.artifact == 4 * PARAMETERS
    assert cost.checkpoints == 2 * 4 * cost.artifact  # now, best, two moments; the new one beside the old one
    once = training(specs, "finetune_rte", "method.select_every=null", "selection.every=null").estimate
    assert once.checkpoints == 2 * 3 * cost.artifact
    none = training(specs, "finetune_rte", "budget.checkpoint_minutes=null").estimate
    assert (none.artifact, none.checkpoints) == (cost.artifact, 0)


def test_what_is_small_is_estimated_small_and_grows_with_its_shape(specs: Path) -> None:
    whole = training(specs, "finetune_rte").estimate.artifact
    prompt = training(specs, "prompt_tuning_rte", "method.length=7").estimate
    assert prompt.artifact == 4 * 7 * 192
    few, many = (training(specs, "lora_rte", f"method.rank={rank}").estimate.artifact for rank in (2, 4))
    assert few * 2 == many < whole


def test_what_was_stored_comes_before_what_is_guessed(specs: Path) -> None:
    step = training(specs, "lora_rte")
    sizes = {(str(step.key["model"]["identity"]), shape_of("train", step.key)): (1000, 200)}
    other_rate = training(specs, "lora_rte", "method.learning_rate=1e-5", sizes=sizes).estimate
    assert other_rate.artifact == 1000
    assert training(specs, "lora_rte", "method.rank=3", sizes=sizes).estimate.artifact != 1000


def test_a_plan_says_what_it_writes_and_what_is_free(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, out, _ = suite(capsys, "plan", "specs/lora_rte.yaml", "--home", tmp_path / "runs", *TINY)
    assert code == 0
    assert "disk: about" in out
    assert "are free:" not in " ".join(out.split())
    monkeypatch.setattr(DiskSpace, "free", 1000)
    _, out, _ = suite(capsys, "plan", "specs/lora_rte.yaml", "--home", tmp_path / "runs", *TINY)
    says = "and 1.0 kB are free: make room, or choose a folder on another disk with --home"
    assert says in " ".join(out.split())


def test_a_finished_step_needs_no_more_disk_and_tells_the_next_its_size(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "runs"
    assert suite(capsys, "run", "specs/lora_rte.yaml", "--home", home, *TINY)[0] == 0
    (artifact,) = (home / "artifacts").glob("*")
    size = sum(file.stat().st_size for file in artifact.iterdir())
    _, out, _ = suite(capsys, "plan", "specs/lora_rte.yaml", "--home", home, *TINY)
    assert "disk:" not in out
    _, out, _ = suite(capsys, "plan", "specs/lora_rte.yaml", "--home", home, *TINY, "--set", "method.steps=3")
    assert f"disk: about {size / 1e3:.1f} kB of artifacts" in out
