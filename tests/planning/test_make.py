"""Plans: steps named by content, shared between experiments, and checked before anything runs."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

import suite as suite_package
from suite.planning import Evaluate, Inputs, Plan, Train, make_plan
from suite.specs import Options, load
from suite.tasks.data import DataLocations
from tests.cli.calls import light, suite

INPUTS = Inputs(DataLocations())


def plan(
    specs: Path, *names: str, sets: tuple[str, ...] = (), seeds: object = "first", track: str | None = "micro"
) -> Plan:
    files = [specs / f"{name}.yaml" for name in names]
    return make_plan(load(files, Options(track, sets, seeds)), INPUTS)  # type: ignore[arg-type]


def ids(made: Plan, kind: str) -> list[str]:
    return [step.id for step in made.steps if step.kind == kind]


def test_promots_first_stage_is_the_prompt_tuning_run(specs: Path) -> None:
    (prompt,) = ids(plan(specs, "prompt_tuning_rte"), "train")
    promot = plan(specs, "promot_rte")
    assert ids(promot, "train")[0] == prompt
    (stage_2,) = [step for step in promot.steps if step.parents == (prompt,) and step.kind == "train"]
    target = next(step for step in promot.steps if step.kind == "evaluate" and step.work.task.name == "micro_rte")
    held_out = next(step for step in promot.steps if step.kind == "evaluate" and step.work.task.name == "micro_cb")
    assert target.parents == (prompt, stage_2.id)  # the prompt is on for the target
    assert held_out.parents == (stage_2.id,)  # and off elsewhere


def test_a_prompt_tuned_models_held_out_answers_are_the_pretrained_ones(specs: Path) -> None:
    made = plan(specs, "pretrained", "prompt_tuning_rte")
    alone = plan(specs, "pretrained")
    new = set(ids(made, "evaluate")) - set(ids(alone, "evaluate"))
    assert len(new) == 1  # the target with the prompt
    assert len(ids(made, "evaluate")) == len(ids(alone, "evaluate")) + 1


def test_seeds_share_what_does_not_depend_on_them(specs: Path) -> None:
    made = plan(specs, "pretrained", "prompt_tuning_rte", seeds=(0, 1, 2))
    assert len(ids(made, "train")) == 3
    assert len(ids(made, "evaluate")) == len(ids(plan(specs, "pretrained"), "evaluate")) + 3


def test_parents_come_before_what_needs_them(specs: Path) -> None:
    made = plan(specs, "promot_rte", "lora_rte", "finetune_wmt14_enfr")
    seen: set[str] = set()
    for step in made.steps:
        assert set(step.parents) <= seen
        seen.add(step.id)


@pytest.mark.parametrize(
    "change",
    [
        "method.steps=7",
        "method.learning_rate=0.01",
        "budget.batch_size=8",
        "budget.max_length=256",
        "selection.documents=9",
        "decoding.beams=2",
        "roles.rte=micro_snli",
    ],
)
def test_whatever_can_change_a_result_changes_the_id(specs: Path, change: str) -> None:
    before, after = (ids(plan(specs, "finetune_rte", sets=sets), "train") for sets in ((), (change,)))
    assert before != after


@pytest.mark.parametrize(
    "change",
    [
        "budget.micro_batch=4",
        "budget.checkpoint_minutes=0",
        "budget.checkpoint_minutes=null",
        "decoding.batch_tokens=999",
        "held_out.documents=5",
    ],
)
def test_what_cannot_change_training_does_not_change_its_id(specs: Path, change: str) -> None:
    before, after = (ids(plan(specs, "finetune_rte", sets=sets), "train") for sets in ((), (change,)))
    assert before == after


def test_checkpoints_change_neither_a_row_nor_its_terms(specs: Path) -> None:
    before, after = (
        plan(specs, "finetune_rte", sets=sets).experiments[0].experiment
        for sets in ((), ("budget.checkpoint_minutes=1",))
    )
    assert after.track.budget.checkpoint_minutes == 1
    assert (before.id, before.changes) == (after.id, after.changes)


def test_the_draw_of_exemplars_matters_where_there_are_exemplars(specs: Path) -> None:
    first, other = (plan(specs, "pretrained", sets=sets) for sets in ((), ("held_out.draw=1",)))
    shared = set(ids(first, "evaluate")) & set(ids(other, "evaluate"))
    shots = {step.work.shots for step in first.steps if step.id in shared and isinstance(step.work, Evaluate)}
    assert shots == {0}


def test_data_and_seed_are_part_of_a_train_steps_name(specs: Path) -> None:
    (step,) = [step for step in plan(specs, "finetune_rte").steps if isinstance(step.work, Train)]
    assert step.key["seed"] == 0
    assert len(step.key["tasks"]["rte"]["data"]) == 64
    assert len(step.key["model"]["identity"]) == 64


def test_planning_and_help_are_quick_and_do_not_import_torch(specs: Path, tmp_path: Path) -> None:
    files = [str(file) for file in sorted(specs.glob("*.yaml"))]
    for arguments in (["--help"], ["plan", *files, "--home", str(tmp_path)], ["list"], ["schema"]):
        started = os.times().children_user
        light(*arguments)
        assert os.times().children_user - started < 5  # a second of a processor; this only catches a heavy import


def test_a_plan_says_what_is_done_shared_and_to_do(
    specs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = suite(
        capsys, "plan", specs / "promot_rte.yaml", specs / "prompt_tuning_rte.yaml", "--track=micro", "--home", tmp_path
    )
    assert code == 0
    assert "train prompt_tuning on rte · micro · seed 0 · shared by 2" in out
    assert "3 experiments ask for" in out
    assert "to do: 2 train" in out
    assert not any(tmp_path.iterdir())


def test_a_stale_step_says_what_changed(specs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from suite.results.store import StepOutcome, StepRecord, Store

    (step,) = [step for step in plan(specs, "finetune_rte").steps if step.kind == "train"]
    with Store.open(f"sqlite:///{tmp_path / 'suite.db'}") as store:
        store.add_steps([StepRecord(step.id, step.kind, step.title, dict(step.key))])
        assert store.claim(step.id, "me", 60)
        assert store.finish(step.id, "me", StepOutcome())
    arguments = ["plan", specs / "finetune_rte.yaml", "--track=micro", "--home", tmp_path]
    _, out, _ = suite(capsys, *arguments)
    (line,) = [line for line in out.splitlines() if step.id[:8] in line]
    assert line.endswith("its artifact is not here")
    _, out, _ = suite(capsys, *arguments, "--set", "budget.batch_size=8")
    assert "stale: budget.batch_size 32 -> 8" in out


def test_a_length_penalty_names_the_evaluation_where_there_are_beams_to_rank(specs: Path) -> None:
    def evaluations(*sets: str) -> list[str]:
        return ids(plan(specs, "pretrained", sets=sets), "evaluate")

    greedy, beams = evaluations(), evaluations("decoding.beams=4")
    assert evaluations("decoding.length_penalty=0.6") == greedy
    assert evaluations("decoding.beams=4", "decoding.length_penalty=null") == beams
    assert not set(evaluations("decoding.beams=4", "decoding.length_penalty=0.6")) & {*greedy, *beams}


def test_a_track_without_a_length_penalty_has_the_name_that_it_had(specs: Path) -> None:
    (experiment,) = load([specs / "pretrained.yaml"], Options("micro"))
    assert experiment.resolved()["track"]["decoding"] == {"beams": 1, "batch_tokens": 16384}


@pytest.mark.parametrize(
    "method", ["{name: svf_transfer, base: BASE}", "{name: transformer2, expert: {name: svf_transfer, base: BASE}}"]
)
def test_where_a_model_is_changes_no_steps_name(tmp_path: Path, method: str) -> None:
    model = Path(str(suite_package.__file__)).parent / "micro" / "models" / "micro-llama"
    made: list[list[str]] = []
    for folder, base in (("a", "own"), ("b/c", "../own"), ("d", str(tmp_path / "own"))):
        file = tmp_path / folder / "moved.yaml"
        file.parent.mkdir(parents=True)
        place = file.parent / base
        if not place.exists():
            shutil.copytree(model, place.resolve())
        text = f"name: moved\ntrack: micro-t2\nmodel: {{path: '{base}'}}\nmethod: {method}\ntargets: [math]\n"
        file.write_text(text.replace("BASE", f"{{path: '{base}'}}"), encoding="utf-8")
        made.append([step.id for step in make_plan(load([file]), INPUTS).steps])
    assert made[0] == made[1] == made[2]
