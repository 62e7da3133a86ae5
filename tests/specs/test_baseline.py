"""The pretrained row: as a file has it, or made from the track and the targets, the same row either way."""

from __future__ import annotations

from pathlib import Path

import pytest

from suite.core.errors import SuiteError
from suite.specs import Experiment, Options, load
from suite.specs.baseline import baselines

TASK = """task: {name}
training_split: train
test_split: test
doc_to_text: "{{{{text}}}}"
doc_to_target: "{{{{label}}}}"
generation_kwargs: {{until: ["\\n"], max_gen_toks: 4}}
metadata: {{kind: qa}}
"""
TRACK = """name: mini
model: {bundled: micro-llama}
roles: {mine: mine, yours: yours, cb: micro_cb}
held_out: {roles: [cb], shots: [1]}
budget: {batch_size: 4, max_length: 64}
methods: {finetune: {steps: 1, learning_rate: 1e-3}}
"""
PRETRAINED = "name: pretrained\ntrack: mini\nmethod: {name: pretrained}\ntargets: [mine]\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("mine", "yours"):
        write(tmp_path / "specs" / "tasks" / f"{name}.yaml", TASK.format(name=name))
    write(tmp_path / "specs" / "tracks" / "mini.yaml", TRACK)
    return tmp_path / "specs"


def write(file: Path, text: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def spec(folder: Path, name: str = "own", targets: str = "mine", more: str = "") -> Path:
    text = f"name: {name}\ntrack: mini\nmethod: {{name: finetune}}\ntargets: [{targets}]\n{more}"
    return write(folder / f"{name}.yaml", text)


def added(*files: Path, before: tuple[str, ...] = (), **options: tuple[str, ...]) -> tuple[Experiment, ...]:
    chosen = Options(**options)  # type: ignore[arg-type]
    return baselines(load(files, chosen), chosen, {"mini": [before] if before else []})[0]


def test_it_is_the_experiment_that_a_file_would_describe(folder: Path) -> None:
    (made,) = added(spec(folder))
    (written,) = load([write(folder / "pretrained.yaml", PRETRAINED)])
    assert (made.id, made.variant) == (written.id, written.variant)
    assert (made.name, made.method, made.targets, made.held_out) == ("pretrained", "pretrained", ("mine",), ("cb",))


def test_it_is_asked_the_targets_of_all_specs_of_its_track_in_the_tracks_order(folder: Path) -> None:
    files = [spec(folder, "b", "yours"), spec(folder, "a", "mine")]
    (made,) = added(*files)
    assert made.targets == ("mine", "yours")
    assert made.id == added(*reversed(files))[0].id


def test_it_is_asked_what_stored_rows_were_asked_so_that_one_row_answers_for_all(folder: Path) -> None:
    (made,) = added(spec(folder, "b", "yours"), before=("mine", "gone"))
    assert made.targets == ("mine", "yours")


def test_a_stored_row_of_the_same_targets_is_that_row_whatever_their_order(folder: Path) -> None:
    (made,) = added(spec(folder), before=("yours", "mine"))
    assert made.targets == ("yours", "mine")


def test_what_another_row_holds_out_stays_held_out(folder: Path) -> None:
    (made,) = added(spec(folder, "own"), spec(folder, "trained_for_cb", "cb"))
    assert (made.targets, made.held_out) == (("mine",), ("cb",))
    (alone,) = added(folder / "trained_for_cb.yaml")
    assert (alone.targets, alone.held_out) == (("cb",), ())


def test_a_spec_that_holds_out_other_roles_than_the_track_takes_no_target_away(folder: Path) -> None:
    (made,) = added(spec(folder), spec(folder, "other", "yours", more="held_out: {roles: [mine]}\n"))
    assert (made.targets, made.held_out) == (("mine", "yours"), ("cb",))


def test_a_file_of_the_track_comes_first_and_is_not_doubled(folder: Path) -> None:
    file = write(folder / "pretrained.yaml", PRETRAINED)
    assert [each.file for each in added(spec(folder))] == [str(file)]
    assert added(spec(folder), file) == ()


def test_a_file_that_lacks_a_target_is_used_and_named(folder: Path) -> None:
    file = write(folder / "pretrained.yaml", PRETRAINED)
    rows, notes = baselines(load([spec(folder, targets="yours")]), Options(), {})
    assert [each.targets for each in rows] == [("mine",)]
    assert notes == (f"{file} does not ask the pretrained model the targets yours: add them there",)


def test_a_broken_file_of_the_track_is_an_error_and_one_of_another_track_is_passed_over(folder: Path) -> None:
    file = write(folder / "pretrained.yaml", PRETRAINED.replace("[mine]", "[mien]"))
    with pytest.raises(SuiteError, match=f"{file}:4: targets: there is no role 'mien'"):
        added(spec(folder))
    write(file, PRETRAINED.replace("[mine]", "[rte]").replace("track: mini\n", ""))
    assert [each.targets for each in added(spec(folder))] == [("mine",)]


def test_a_trained_row_may_not_have_its_name(folder: Path) -> None:
    file = spec(folder, "pretrained")
    with pytest.raises(SuiteError, match=f"{file}: name: 'pretrained' is the name of the row that all are compared"):
        added(file)


def test_settings_of_the_command_line_reach_it_but_for_those_of_a_spec(folder: Path) -> None:
    sets = ("budget.batch_size=2", "method.steps=3", "targets=[yours]")
    (made,) = added(spec(folder), sets=sets)
    assert (made.track.budget.batch_size, made.sets, made.targets) == (2, ("budget.batch_size=2",), ("yours",))


def test_the_shipped_file_serves_tracks_of_its_roles_and_no_others(tmp_path: Path) -> None:
    file = write(tmp_path / "mine.yaml", "name: mine\nmethod: {name: finetune}\ntargets: [rte]\n")
    assert added(file)[0].targets == ("rte", "wmt14_enfr", "snli", "openbookqa")
    write(tmp_path / "tracks" / "own.yaml", "extends: micro\nname: own\nroles: {extra: micro_rte}\n")
    file.write_text(file.read_text().replace("[rte]", "[extra]") + "track: own\n")
    assert added(file)[0].targets == ("extra",)
