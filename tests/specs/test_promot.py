"""The tracks of the ProMoT paper have its settings, and those of the code that it cites."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from suite.core.errors import SuiteError
from suite.specs import Options, load, shipped
from suite.specs.load import load_track
from suite.specs.workspace import Workspace
from suite.tasks.definition import read_task
from suite.tasks.filters import CutAnswer, FirstLabel
from tests.cli.calls import suite

TRACKS = ("paper", "paper-xl", "paper-small", "paper-t5")
TASKS = shipped() / "tasks"
FILTERS: dict[str, Any] = {"cut_answer": CutAnswer, "first_label": FirstLabel}


def config(specs: Path, name: str, track: str = "paper", *sets: str) -> Any:
    (experiment,) = load([specs / "promot" / f"{name}.yaml"], Options(track, sets))
    return experiment.config


@pytest.mark.parametrize("track", TRACKS)
def test_models_are_tuned_as_t5x_tunes_them(specs: Path, track: str) -> None:
    for name in ("finetune_rte", "promot_rte", "promot_rte_joint"):
        found = config(specs, name, track)
        assert (found.optimizer, found.scale_parameter, found.learning_rate) == ("adafactor", True, 1e-3)
        assert (found.schedule, found.warmup, found.weight_decay, found.clip) == ("constant", 0, 0.0, None)
        assert (found.dropout, found.label_smoothing, found.z_loss) == (0.1, 0.1, 1e-4)
        assert (found.steps, found.select_every) == (1000, 100)


@pytest.mark.parametrize("track", TRACKS)
def test_prompts_are_tuned_as_prompt_tuning_tunes_them_alone_and_as_a_first_stage(specs: Path, track: str) -> None:
    alone, stage = config(specs, "prompt_tuning_rte", track), config(specs, "promot_rte", track).stage_one
    assert stage.model_dump() == {"name": "prompt_tuning", **alone.model_dump()}
    assert (alone.optimizer, alone.scale_parameter, alone.learning_rate) == ("adafactor", False, 0.2)
    assert (alone.weight_decay, alone.decay_by_rate) == (1e-5, False)
    assert (alone.clip, alone.label_smoothing, alone.dropout) == (None, 0.0, 0.1)
    assert (alone.length, alone.steps, alone.select_every) == (100, 5000, 1000)


@pytest.mark.parametrize("track", TRACKS)
def test_no_method_of_the_papers_tracks_clips_the_gradient(specs: Path, track: str) -> None:
    for name in ("lora_rte", "promot_wmt14_enfr_lora4", "finetune_mix", "promot_mix_1shot"):
        found = config(specs, name, track)
        assert found.clip is None
        assert getattr(found, "stage_one", found).clip is None


@pytest.mark.parametrize("track", TRACKS)
def test_answers_are_searched_with_the_papers_beams(track: str) -> None:
    found = load_track(Workspace.around(), track)
    assert (found.decoding.beams, found.decoding.length_penalty) == (4, 0.6)
    assert found.deviations
    assert len(set(found.deviations)) == len(found.deviations)


@pytest.mark.parametrize("role", load_track(Workspace.around(), "paper").roles)
def test_a_task_of_the_paper_is_the_shipped_one_with_its_own_output_processing(role: str) -> None:
    plain, own = read_task(role, [TASKS]), read_task(f"paper_{role}", [TASKS])
    same = {"doc_to_text", "doc_to_target", "dataset_path", "training_split", "metric_list"}
    assert {key: plain.config.get(key) for key in same} == {key: own.config.get(key) for key in same}
    assert (own.folder, own.labels, own.metadata.get("kind")) == (
        plain.folder,
        plain.labels,
        plain.metadata.get("kind"),
    )
    assert own.config["generation_kwargs"] == {**plain.config["generation_kwargs"], "until": ()}
    (step, _), (before, _) = (task.config["filter_list"][0]["filter"] for task in (own, plain))
    changed = {key: value for key, value in step.items() if before.get(key) != value}
    published = {"first_label": {"ignore_case": False}, "cut_answer": {"occurrence": 2, "blank_line": False}}
    assert changed == published[step["function"]]
    made = FILTERS[step["function"]](**{key: value for key, value in step.items() if key != "function"})
    assert made.apply([[""]], [{}])


def test_scaling_by_the_parameters_size_is_adafactors(specs: Path) -> None:
    with pytest.raises(SuiteError, match="`scale_parameter` is for `optimizer: adafactor`"):
        config(specs, "finetune_rte", "paper", "method.optimizer=adamw")


def test_settings_that_do_nothing_are_part_of_no_name(specs: Path) -> None:
    told = config(specs, "promot_rte", "micro").model_dump()
    later = {"scale_parameter", "decay_by_rate", "z_loss"}
    assert not later & (told.keys() | told["stage_one"].keys())
    assert later - {"decay_by_rate"} <= config(specs, "promot_rte").model_dump().keys()


def test_a_tracks_deviations_change_no_id_and_a_plan_lists_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "tracks").mkdir()
    track, spec = tmp_path / "tracks" / "mine.yaml", tmp_path / "a.yaml"
    spec.write_text("name: a\nmethod: {name: pretrained}\ntrack: mine\n", encoding="utf-8")
    track.write_text("extends: micro\nname: mine\n", encoding="utf-8")
    (before,) = load([spec])
    assert "differs from the paper" not in suite(capsys, "plan", spec, "--home", tmp_path / "home")[1]
    track.write_text("extends: micro\nname: mine\ndeviations: [It is small., It is made up.]\n", encoding="utf-8")
    (after,) = load([spec])
    assert before.id == after.id
    assert after.resolved()["track"]["deviations"] == ["It is small.", "It is made up."]
    out = suite(capsys, "plan", spec, "--home", tmp_path / "home")[1]
    assert out.endswith("track mine differs from the paper in 2 points:\n  - It is small.\n  - It is made up.\n")
