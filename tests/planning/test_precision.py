"""The precision and the optimiser of weights in a plan."""

from __future__ import annotations

from pathlib import Path

import pytest

from suite.core.errors import SuiteError
from suite.specs import Workspace
from suite.specs.load import load_track
from tests.planning.test_patience import plan, training

BF16 = ("method.precision=bf16", "model.dtype=bfloat16")


def test_without_a_precision_nothing_names_it(specs: Path) -> None:
    made, unset = (plan(specs, *sets, name="finetune_rte") for sets in ((), ("method.precision=float32",)))
    assert "precision" not in str(training(made).key)
    assert [step.id for step in unset.steps] == [step.id for step in made.steps]


def test_computing_in_float32_is_not_named_and_bf16_is(specs: Path) -> None:
    usual, same, low = (
        plan(specs, *sets, name="lora_rte") for sets in ((), ("budget.precision=float32",), ("budget.precision=bf16",))
    )
    assert [step.id for step in same.steps] == [step.id for step in usual.steps]
    assert training(low).key["budget"] == {**training(usual).key["budget"], "precision": "bf16"}
    assert low.experiments[0].experiment.changes == ("budget.precision",)
    pretrained = [
        {step.id for step in each.steps if step.kind == "evaluate" and not step.parents} for each in (usual, low)
    ]
    assert pretrained[0] == pretrained[1]  # answers are computed in the model's dtype


def test_tracks_of_papers_compute_in_bf16_and_others_in_float32(specs: Path) -> None:
    tracks = {file.stem: load_track(Workspace.here(), file.stem) for file in (specs / "tracks").glob("*.yaml")}
    low = {name for name, track in tracks.items() if track.budget.precision == "bf16"}
    assert low == {name for name in tracks if name.startswith("paper")}


@pytest.mark.parametrize("name", ["finetune_rte", "promot_rte"])
def test_a_precision_is_part_of_a_steps_name(specs: Path, name: str) -> None:
    usual, low = (plan(specs, *sets, name=name).steps for sets in (("model.dtype=bfloat16",), BF16))
    precisions = [step.key["method"].get("precision") for step in low if step.kind == "train"]
    assert precisions[-1] == "bf16"
    assert usual[-1].id != low[-1].id


def test_a_base_in_float32_is_not_trained_in_bfloat16(specs: Path) -> None:
    with pytest.raises(SuiteError) as caught:
        plan(specs, "method.precision=bf16", name="finetune_rte")
    assert str(caught.value) == (
        "--set method.precision=bf16: method.precision: micro-llama is in float32, not in bfloat16; "
        "add `dtype: bfloat16` to the model, or leave out `precision`"
    )


def test_a_method_that_trains_no_weights_has_no_precision(specs: Path) -> None:
    with pytest.raises(SuiteError, match="precision"):
        plan(specs, "method.precision=bf16", name="lora_rte")


def test_an_optimiser_whose_package_is_missing_is_refused_by_the_plan(
    specs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = plan(specs, "method.optimizer=adamw8bit", name="promot_rte")
    assert [step.key["method"]["optimizer"] for step in made.steps if step.kind == "train"][-1] == "adamw8bit"
    monkeypatch.setattr("suite.models.quantized.find_spec", lambda name: None)
    with pytest.raises(SuiteError) as caught:
        plan(specs, "method.stage_one.optimizer=adamw8bit", name="promot_rte")
    assert "method.stage_one.optimizer needs the package bitsandbytes; pip install bitsandbytes, or set it to" in str(
        caught.value
    )
