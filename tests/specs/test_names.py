"""Names of specs and tracks, and files of other kinds beside them."""

from pathlib import Path

import pytest

from suite.core.errors import SuiteError
from suite.specs import load, shipped
from suite.specs.kinds import only_specs
from tests.specs.test_load import SHIPPED, SPEC, problems, spec


def test_two_specs_of_one_name_are_refused_unless_they_say_the_same(tmp_path: Path) -> None:
    assert load([spec(tmp_path), spec(tmp_path, name="again.yaml")]) == load([spec(tmp_path)])
    other = spec(tmp_path, SPEC.replace("promot", "finetune"), name="other.yaml")
    with pytest.raises(SuiteError) as caught:
        load([spec(tmp_path), other])
    said = f"{other}: two specs are named 'mine' on track 'micro': {tmp_path / 'mine.yaml'} says something else"
    assert str(caught.value) == f"{said}; rename one: names are the rows of the board"


def test_specs_of_one_name_may_say_different_things_on_different_tracks(tmp_path: Path) -> None:
    other = spec(tmp_path, SPEC.replace("promot", "finetune") + "track: micro-t5\n", name="other.yaml")
    assert [each.track.name for each in load([spec(tmp_path), other])] == ["micro", "micro-t5"]


def test_two_tracks_of_one_name_are_refused_unless_they_say_the_same(tmp_path: Path) -> None:
    files = []
    for name in ("a", "b"):
        spec(tmp_path / name / "tracks", "extends: micro\nname: own\nbudget: {batch_size: 4}\n", "own.yaml")
        files.append(spec(tmp_path / name, SPEC.replace("mine", name) + "track: own\n"))
    assert len(load(files)) == 2
    spec(tmp_path / "b" / "tracks", "extends: micro\nname: own\nbudget: {batch_size: 8}\n", "own.yaml")
    with pytest.raises(SuiteError) as caught:
        load(files)
    first, second = (tmp_path / name / "tracks" / "own.yaml" for name in ("a", "b"))
    said = f"{second}: two tracks are named 'own': {first} says something else; rename one: a track is a table of the"
    assert str(caught.value) == f"{said} leaderboard"


def test_a_track_has_the_name_of_its_file(tmp_path: Path) -> None:
    file = spec(tmp_path / "tracks", "extends: micro\nname: ownn\n", "own.yaml")
    assert problems(tmp_path, SPEC + "track: own\n") == [
        f"{file}:2: name: is 'ownn' in a file called own.yaml; write `name: own` or rename the file"
    ]


def test_everything_shipped_loads_in_one_call() -> None:
    files = sorted(shipped().rglob("*.yaml"))
    specs, notes = only_specs(files)
    assert set(specs) == set(SHIPPED)
    (note,) = notes
    assert all(f" {folder}" in note for folder in ("claims", "tables", "tasks", "tracks"))
    rows = [(each.track.name, each.name) for each in load(specs)]
    assert len(rows) == len(set(rows))
    assert rows.count(("micro2", "promot_rte")) == 1  # two files say the same


@pytest.mark.parametrize("kind", ["track", "task", "file of claims", "paper's table"])
def test_a_file_of_another_kind_is_told_in_one_line(kind: str) -> None:
    name = {"track": "tracks/micro", "task": "tasks/rte", "file of claims": "claims/promot"}.get(
        kind, "tables/promot-3"
    )
    with pytest.raises(SuiteError) as caught:
        load([shipped() / f"{name}.yaml"])
    assert f"{name}.yaml: is a {kind}, not a spec; " in str(caught.value)
    assert len(caught.value.problems) == 1


def test_files_of_other_kinds_beside_a_spec_are_left_out_by_name(tmp_path: Path) -> None:
    files = [spec(tmp_path), spec(tmp_path, "extends: micro\nname: own\n", "own.yaml")]
    specs, notes = only_specs(files)
    assert (specs, notes) == (tuple(files[:1]), (f"left out, as they are no specs: {files[1]} (a track)",))


def test_a_spec_that_lacks_its_method_is_still_told_as_a_spec(tmp_path: Path) -> None:
    assert ":1: method: is missing" in problems(tmp_path, "name: a\ntargets: [rte]\nheld_out: {shots: [1]}\n")[0]
