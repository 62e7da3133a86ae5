"""A record is on the terms of its track as it is known here, or says what it changes."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.calls import suite
from tests.results.records.test_consistency import SHIPPED, Record, named_anew, shipped

__all__ = ["shipped"]


def imported(record: Record, folder: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    named_anew(record)
    (folder / "a.json").write_text(json.dumps(record))
    code, out, told = suite(capsys, "import", folder / "a.json", "--home", folder / "home")
    assert told.count("\n") == (code == 2)
    return code, out + told


CHANGES: dict[str, Callable[[Record], None]] = {
    "selection.documents": lambda spec: spec["track"]["selection"].update(documents=3),
    "decoding.batch_tokens": lambda spec: spec["track"]["decoding"].update(batch_tokens=77),
}


@pytest.mark.parametrize("key", ["selection.documents", "decoding.batch_tokens"])
def test_a_change_of_the_track_is_named_or_the_record_is_refused(
    shipped: Record, tmp_path: Path, capsys: pytest.CaptureFixture[str], key: str
) -> None:
    record = copy.deepcopy(shipped)
    CHANGES[key](record["experiment"]["spec"])
    code, told = imported(record, tmp_path, capsys)
    assert code == 2
    assert f"its track 'smol-cpu' has {key} " in told
    record["experiment"]["spec"]["changes"] = [key]
    assert imported(record, tmp_path, capsys) == (0, "promot_rte (track smol-cpu, seed 0): imported\n")


def test_a_track_that_is_not_known_here_is_its_authors(
    shipped: Record, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = copy.deepcopy(shipped)
    CHANGES["selection.documents"](record["experiment"]["spec"])
    record["experiment"]["spec"]["track"]["name"] = record["experiment"]["track"] = "elsewhere"
    assert imported(record, tmp_path, capsys)[0] == 0


def test_published_records_are_on_their_tracks_terms(capsys: pytest.CaptureFixture[str]) -> None:
    assert suite(capsys, "import", "--verify", SHIPPED.parents[1])[0] == 0


def test_a_track_is_as_it_is_now(
    shipped: Record,
    specs: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    own = tmp_path / "specs" / "tracks" / "smol-cpu.yaml"
    own.parent.mkdir(parents=True)
    usual = (specs / "tracks" / own.name).read_text()
    changed = usual.replace("selection: {documents: 32}", "selection: {documents: 31}")
    for text, code in ((changed, 2), (usual, 0)):
        own.write_text(text)
        assert imported(copy.deepcopy(shipped), tmp_path, capsys)[0] == code
