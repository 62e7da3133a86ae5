"""The disk of a plan: artifacts that stay, checkpoints that go, and a line where they do not fit."""

from __future__ import annotations

from pathlib import Path

import pytest

from suite.core.disk import DiskSpace
from suite.models.backbone import load_backbone
from suite.models.singular import factorise, matrices
from suite.models.source import ModelSource, locate
from suite.planning import Inputs, Step, make_plan
from suite.planning.disk import shape_of
from suite.planning.retention import DiskUse, disk_use
from suite.specs import Options, load
from suite.specs.blocks import KeepArtifacts
from suite.tasks.data import DataLocations
from tests.cli.calls import SMALL, suite

PARAMETERS = 1_951_680
"""Of the bundled micro-llama."""
TINY = [*SMALL, "--set", "method.steps=2", "--set", "method.select_every=1"]


def training(specs: Path, name: str, *sets: str, sizes: dict[tuple[str, str], tuple[int, int]] | None = None) -> Step:
    made = make_plan(load([specs / f"{name}.yaml"], Options("micro", sets=sets)), Inputs(DataLocations(), sizes=sizes))
    return next(step for step in reversed(made.steps) if step.kind == "train")


def test_all_weights_take_what_the_model_takes_and_their_checkpoints_a_multiple(specs: Path) -> None:
    cost = training(specs, "finetune_rte", "method.select_every=5").estimate
    assert cost.artifact == 4 * PARAMETERS
    assert cost.checkpoints == 2 * 4 * cost.artifact  # now, best, two moments; the new one beside the old one
    once = training(specs, "finetune_rte", "method.select_every=null", "selection.every=null").estimate
    assert once.checkpoints == 2 * 3 * cost.artifact
    rounded = training(specs, "finetune_rte", "model.dtype=bfloat16", "method.select_every=5").estimate
    assert (rounded.artifact, rounded.checkpoints) == (2 * PARAMETERS, cost.checkpoints)  # trained in float32
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
    code, out, _ = suite(capsys, "plan", "specs/lora_rte.yaml", "--track=micro", "--home", tmp_path / "runs", *TINY)
    assert code == 0
    assert "disk: about" in out
    assert "are free:" not in " ".join(out.split())
    monkeypatch.setattr(DiskSpace, "free", 1000)
    _, out, _ = suite(capsys, "plan", "specs/lora_rte.yaml", "--track=micro", "--home", tmp_path / "runs", *TINY)
    says = "and 1.0 kB are free: make room, or choose a folder on another disk with --home"
    assert says in " ".join(out.split())


def test_a_finished_step_needs_no_more_disk_and_tells_the_next_its_size(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "runs"
    assert suite(capsys, "run", "specs/lora_rte.yaml", "--track=micro", "--home", home, *TINY)[0] == 0
    (artifact,) = (home / "artifacts").glob("*")
    size = sum(file.stat().st_size for file in artifact.iterdir())
    _, out, _ = suite(capsys, "plan", "specs/lora_rte.yaml", "--track=micro", "--home", home, *TINY)
    assert "disk:" not in out
    _, out, _ = suite(
        capsys, "plan", "specs/lora_rte.yaml", "--track=micro", "--home", home, *TINY, "--set", "method.steps=3"
    )
    assert f"disk: about {size / 1e3:.1f} kB of artifacts" in out


def use(specs: Path, name: str, *sets: str, keep: KeepArtifacts | None = None, checkpoints: bool = True) -> DiskUse:
    experiments = load([specs / f"{name}.yaml"], Options("micro", sets=sets, seeds=(0, 1, 2)))
    made = make_plan(experiments, Inputs(DataLocations()))
    return disk_use(made, {step.id for step in made.steps}, {}, keep, checkpoints=checkpoints)


WHOLE = 4 * PARAMETERS
SAVED = 6 * WHOLE
"""Two checkpoints of a training that selects nothing before its end: parameters and two moments."""
ONCE = ("method.select_every=null", "selection.every=null")


def test_artifacts_of_three_seeds_add_up_to_the_peak_unless_they_are_deleted(specs: Path) -> None:
    whole = use(specs, "finetune_rte", *ONCE)
    assert whole == DiskUse(artifacts=3 * WHOLE, checkpoints=SAVED, factors=0, peak=2 * WHOLE + SAVED)
    assert use(specs, "finetune_rte", *ONCE, "budget.keep_artifacts=best") == DiskUse(WHOLE, SAVED, 0, whole.peak)
    assert use(specs, "finetune_rte", *ONCE, "budget.keep_artifacts=none") == DiskUse(0, SAVED, 0, SAVED)
    assert use(specs, "finetune_rte", *ONCE, keep="none", checkpoints=False) == DiskUse(0, 0, 0, WHOLE)


def test_tries_that_were_not_chosen_go_where_reported_artifacts_stay(specs: Path) -> None:
    sweep = (*ONCE, "sweep.learning_rate=[1e-4,1e-3]")
    assert use(specs, "finetune_rte", *sweep).artifacts == 3 * 3 * WHOLE  # two tries and the copy of the chosen one
    reported = use(specs, "finetune_rte", *sweep, keep="reported")
    assert reported.artifacts == 3 * WHOLE
    assert reported.peak == 2 * WHOLE + WHOLE + SAVED  # copies of two seeds, and the third seed's first try


def test_a_step_that_another_row_keeps_stays(specs: Path) -> None:
    sets = ("method.stage_one.steps=9",)
    alone = use(specs, "promot_rte", *sets, keep="none")
    assert alone.artifacts == 0
    experiments = [
        *load([specs / "promot_rte.yaml"], Options("micro", sets=("budget.keep_artifacts=none",))),
        *load([specs / "prompt_tuning_rte.yaml"], Options("micro")),
    ]
    made = make_plan(experiments, Inputs(DataLocations()))
    (prompt,) = (step for step in made.steps if step.kind == "train" and "prompt_tuning on" in step.title)
    assert disk_use(made, {step.id for step in made.steps}, {}).artifacts == prompt.estimate.artifact > 0


def test_factors_are_counted_once_a_model_and_not_where_they_are_cached(specs: Path) -> None:
    backbone = load_backbone(locate(ModelSource(bundled="micro-llama"), None), "cpu")
    weights = dict(backbone.model.named_parameters())
    sides = [factorise(weights[name]) for name in matrices(backbone.model, "mlp")]
    tensors = [tensor for each in sides for tensor in (each.left, each.values, each.right) if tensor is not None]
    made = make_plan(
        load([specs / "transformer2" / "svf_math.yaml"], Options(track="micro-t2", sets=("method.matrices=mlp",))),
        Inputs(DataLocations()),
    )
    (step,) = (step for step in made.steps if step.kind == "train")
    assert step.estimate.factors == sum(tensor.numel() * 4 for tensor in tensors)
    ids, model = {each.id for each in made.steps}, str(step.key["model"]["identity"])
    assert disk_use(made, ids, {}).factors == step.estimate.factors
    assert disk_use(made, ids, {model: step.estimate.factors}).factors == 0


def test_the_fields_change_neither_names_nor_terms(specs: Path) -> None:
    sets = ("budget.keep_artifacts=none", "budget.max_disk=200GB")
    (plain,), (bounded,) = (load([specs / "finetune_rte.yaml"], Options("micro", sets=each)) for each in ((), sets))
    assert bounded.track.budget.max_disk_bytes == 200_000_000_000
    assert (bounded.id, bounded.changes) == (plain.id, ())
    assert bounded.resolved() == plain.resolved()
    steps = [{step.id for step in make_plan([each], Inputs(DataLocations())).steps} for each in (plain, bounded)]
    assert steps[0] == steps[1]


@pytest.mark.parametrize(
    ("field", "line"),
    [
        ("max_disk=much", "--set budget.max_disk=much: budget.max_disk: 'much' is no size; write 8GB, or 500MB"),
        ("keep_artifacts=some", "budget.keep_artifacts: is 'some'; should be 'all', 'reported', 'best' or 'none'"),
    ],
)
def test_a_wrong_value_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str], field: str, line: str) -> None:
    code, _, err = suite(
        capsys, "plan", "specs/lora_rte.yaml", "--track=micro", "--set", f"budget.{field}", "--home", tmp_path
    )
    assert code == 2
    assert line in err
    assert len(err.splitlines()) == 1


def test_a_plan_over_the_bound_is_refused_with_what_would_help_before_anything_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "runs"
    row = [
        "specs/finetune_rte.yaml",
        "--track=micro",
        "--seeds",
        "0,1",
        "--home",
        home,
        *SMALL,
        "--set",
        "method.select_every=null",
    ]
    code, out, err = suite(capsys, "plan", *row, "--set", "budget.max_disk=50MB")
    assert code == 2
    assert "0 B of 50.0 MB used (budget.max_disk)" in " ".join(out.split())
    assert err == (
        "error: budget.max_disk: 50.0 MB do not hold the plan: 0 B are used, and it writes 54.6 MB more at its peak "
        "(46.8 MB of checkpoints, 0 B of SVD factors, 15.6 MB of artifacts stay); raise it, or free some with "
        "`suite gc`, or set budget.keep_artifacts: none (46.8 MB at its peak), or set budget.checkpoint_minutes: null "
        "(15.6 MB)\n"
    )
    assert suite(capsys, "plan", *row, "--set", "budget.max_disk=55MB")[0] == 0
    assert suite(capsys, "run", *row, "--set", "budget.max_disk=50MB")[::2] == (2, err)
    code, _, err = suite(capsys, "run", *row, "--set", "budget.max_disk=50MB", "--max-disk", "40MB")
    assert code == 2
    assert err.startswith("error: --max-disk: 40.0 MB do not hold the plan")
    assert not home.exists()
