"""Paths in a file are relative to that file; those of the command line to the working directory."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import suite
from suite.core.errors import SuiteError
from suite.models.source import ModelSource, locate
from suite.specs import Experiment, Options, load
from tests.specs.test_baseline import TRACK, spec, write

MODEL = Path(str(suite.__file__)).parent / "micro" / "models" / "micro-llama"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "bench" / "specs"
    shutil.copytree(MODEL, folder / "tracks" / "models" / "own")
    write(folder / "tracks" / "mini.yaml", TRACK.replace("bundled: micro-llama", "path: models/own"))
    for name in ("mine", "yours"):
        write(folder / "tasks" / f"{name}.yaml", f"task: {name}\ninclude: ../base.yaml\n")
    write(folder / "base.yaml", "training_split: train\ntest_split: test\ndoc_to_text: a\ndoc_to_target: b\n"
          'generation_kwargs: {until: ["\\n"], max_gen_toks: 4}\n')  # fmt: skip
    spec(folder)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    return folder


def only(file: Path, *sets: str) -> Experiment:
    (experiment,) = load([file], Options(sets=sets))
    return experiment


def place(experiment: Experiment) -> Path | None:
    return locate(experiment.track.model, None).folder


def test_a_model_is_found_beside_the_track_that_names_it(folder: Path) -> None:
    assert place(only(folder / "own.yaml")) == folder / "tracks" / "models" / "own"


def test_a_model_is_found_beside_the_spec_that_names_it(folder: Path) -> None:
    file = spec(folder, "other", more="model: {path: tracks/models/own}\n")
    assert place(only(file)) == folder / "tracks" / "models" / "own"


def test_a_base_of_vectors_is_found_beside_the_spec_that_names_it(folder: Path) -> None:
    text = "name: moved\ntrack: mini\nmethod: {name: svf_transfer, base: {path: tracks/models/own}}\ntargets: [mine]\n"
    config = only(write(folder / "moved.yaml", text)).config
    assert locate(config.base, None).folder == folder / "tracks" / "models" / "own"  # type: ignore[attr-defined]


def test_a_path_of_the_command_line_is_relative_to_the_working_directory(folder: Path) -> None:
    shutil.copytree(MODEL, "models/own")
    experiment = only(folder / "own.yaml", "model.path=models/own")
    assert place(experiment) == Path("models/own").resolve()
    assert experiment.changes == ("model.path",)  # the same text, and another folder
    assert experiment.id != only(folder / "own.yaml").id


def test_a_model_that_only_the_working_directory_has_is_used_and_noted(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "tracks" / "models").rename(folder.parent / "models")
    monkeypatch.chdir(folder.parent)
    experiment = only(Path("specs/own.yaml"))
    found = locate(experiment.track.model, None)
    assert found.folder == folder.parent / "models" / "own"
    assert str(found.note).endswith("so write '../../models/own'")
    assert only(Path("specs/own.yaml"), "model.path=models/own").changes == ()


def test_a_model_that_is_nowhere_is_told_with_the_places_looked_at(folder: Path) -> None:
    shutil.rmtree(folder / "tracks" / "models")
    with pytest.raises(SuiteError) as caught:
        place(only(folder / "own.yaml"))
    said = f"there is no model folder {folder}/tracks/models/own nor models/own; write it relative to this file"
    assert str(caught.value) == said


def test_names_do_not_depend_on_where_the_workspace_is(folder: Path, tmp_path: Path) -> None:
    before = only(folder / "own.yaml")
    moved = tmp_path / "moved"
    shutil.copytree(folder, moved)
    after = only(moved / "own.yaml")
    assert (after.id, after.variant) == (before.id, before.variant)
    assert locate(after.track.model, None).identity == locate(before.track.model, None).identity
    assert str(tmp_path) not in str(after.resolved())


def test_a_track_is_found_beside_the_file_that_names_it(folder: Path) -> None:
    write(folder / "tracks" / "long.yaml", "extends: ./mini.yaml\nname: long\nbudget: {batch_size: 8}\n")
    file = spec(folder, "other")
    file.write_text(file.read_text().replace("track: mini", "track: tracks/long.yaml"))
    experiment = only(file)
    assert (experiment.track.name, experiment.track.budget.batch_size) == ("long", 8)
    assert place(experiment) == folder / "tracks" / "models" / "own"


def test_a_track_that_only_the_working_directory_has_is_an_error_with_the_path_to_write(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder.parent)
    file = spec(folder, "other")
    file.write_text(file.read_text().replace("track: mini", "track: specs/tracks/mini.yaml"))
    with pytest.raises(SuiteError) as caught:
        load([Path("specs/other.yaml")])
    assert str(caught.value) == (
        "specs/other.yaml:2: there is no file 'specs/tracks/mini.yaml' beside this one; paths in a file are relative "
        "to it; write 'tracks/mini.yaml'"
    )


def test_a_track_of_the_command_line_brings_the_tasks_beside_it(folder: Path, tmp_path: Path) -> None:
    file = spec(tmp_path / "far", "own")
    (experiment,) = load([file], Options(track="../bench/specs/tracks/mini.yaml"))
    assert experiment.tasks["mine"].path == folder / "tasks" / "mine.yaml"


def test_a_track_of_the_command_line_is_looked_for_in_the_working_directory_too(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder.parent)
    (experiment,) = load([spec(tmp_path / "far", "own")], Options(track="mini"))
    assert experiment.track_file == folder / "tracks" / "mini.yaml"


def test_a_track_with_another_ending_is_named(folder: Path) -> None:
    (folder / "tracks" / "mini.yaml").rename(folder / "tracks" / "mini.yml")
    with pytest.raises(SuiteError, match=r"there is no track 'mini'; rename .*mini\.yml to mini\.yaml"):
        only(folder / "own.yaml")


def test_a_track_that_extends_another_needs_a_name_of_its_own(folder: Path) -> None:
    file = write(folder / "tracks" / "long.yaml", "extends: mini\nbudget: {batch_size: 8}\n")
    with pytest.raises(SuiteError, match=f"{file}:1: name: is missing, and a track that extends another has its own"):
        load([folder / "own.yaml"], Options(track="long"))


def test_a_model_is_the_same_whatever_folder_its_path_is_meant_from(tmp_path: Path) -> None:
    here, there = (ModelSource(path="own").beside(tmp_path / name) for name in ("a", "b"))
    assert here != there
    assert here.model_dump() == there.model_dump()
