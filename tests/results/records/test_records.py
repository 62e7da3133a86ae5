"""Experiments that travel as files: nothing is lost, nothing false gets in, nothing of the machine gets out."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from suite.analysis.board import board
from suite.core.errors import SuiteError
from suite.core.hashing import fingerprint
from suite.results.records import (
    export_records,
    import_records,
    read_records_into_memory,
    texts,
    writing,
)
from suite.results.store import Costs, StepOutcome, Store
from tests.analysis.board.tiny_board import OWNER, World, per_document

Record = dict[str, Any]


def contents(store: Store) -> list[Any]:
    """All that a store holds."""
    found: list[Any] = []
    for experiment in store.experiments():
        links = store.links(experiment.id)
        ids = [link.step_id for link in links]
        found += [experiment, links, store.steps(ids), store.scores(ids), store.artifacts(ids), store.findings(ids)]
        found += [(store.answers(step), store.curve(step)) for step in ids]
    return found


def altered(file: Path, change: Callable[[Record], None], *, sign: bool = True) -> Path:
    """The record with a change, its hash made anew."""
    record = json.loads(file.read_text())
    change(record)
    if sign:
        record["sha256"] = fingerprint({key: value for key, value in record.items() if key != "sha256"}, length=64)
    file.write_text(json.dumps(record))
    return file


def refused(store: Store, file: Path, message: str) -> None:
    before = contents(store)
    with pytest.raises(SuiteError, match=message) as raised:
        import_records(store, [file])
    assert "\n" not in str(raised.value)
    assert contents(store) == before
    assert store.count_steps() == 0


def test_a_store_read_from_records_shows_the_same_board(world: World, tmp_path: Path) -> None:
    export_records(world.store, tmp_path, report=lambda line: None)
    with read_records_into_memory(tmp_path) as store:
        mine = {row.name: row for row in board(world.store, "tiny").rows}
        theirs = {row.name: row for row in board(store, "tiny").rows}
        assert set(theirs) == {"pretrained", "prompt_rte"}
        assert all(row.imported for row in theirs.values())
        for name, row in theirs.items():
            assert (row.target_scores, row.norm_avg, row.costs) == (
                mine[name].target_scores, mine[name].norm_avg, mine[name].costs,
            )  # fmt: skip
        answers = [answer for link in store.links(store.experiments()[0].id) for answer in store.answers(link.step_id)]
        assert "<script>é" in [answer.output for answer in answers]


def test_the_same_store_gives_the_same_bytes_even_from_a_copy(world: World, tmp_path: Path) -> None:
    first = export_records(world.store, tmp_path / "a", report=lambda line: None)
    with read_records_into_memory(tmp_path / "a") as copy:
        second = export_records(copy, tmp_path / "b")
    assert [file.name for file in first] == [file.name for file in second]
    assert [file.read_bytes() for file in first] == [file.read_bytes() for file in second]


def test_a_file_is_named_by_track_experiment_seed_and_variant(file: Path, tmp_path: Path) -> None:
    variant = json.loads(file.read_text())["experiment"]["spec"]["variant"]
    assert file == tmp_path / "out" / "tiny" / f"prompt_rte--seed0--{variant[:8]}.json"


def test_a_long_record_is_compressed_without_time_or_name(
    world: World, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "PLAIN_BYTES", 100)
    packed = export_records(world.store, tmp_path / "out", ["prompt_rte"])[0]
    assert packed.name == file.name + ".gz"
    assert packed.read_bytes()[3:8] == b"\0" * 5  # no name, no time
    assert not file.exists()
    assert len(import_records(world.store, [packed])) == 1


def test_nothing_of_the_machine_is_exported(file: Path) -> None:
    text = file.read_text()
    assert "my-laptop" not in text
    assert "/home/me" not in text
    assert json.loads(text)["experiment"]["spec"]["file"] == "a.yaml"


def test_an_unfinished_experiment_is_reported_and_the_others_are_written(world: World, tmp_path: Path) -> None:
    lines: list[str] = []
    files = export_records(world.store, tmp_path, report=lines.append)
    assert [file.name.partition("--")[0] for file in files] == ["pretrained", "prompt_rte"]
    assert lines == ["lora_rte (track tiny, seed 0): not exported: 2 of its 2 steps are not done; `suite run` it first"]


@pytest.mark.parametrize(
    ("names", "track", "message"),
    [
        (["lora_rte"], None, "2 of its 2 steps are not done"),
        (["promt_rte"], None, "did you mean 'prompt_rte'"),
        ([], "tiny2", "did you mean 'tiny'"),
    ],
)
def test_what_cannot_be_exported_is_an_error(
    world: World, tmp_path: Path, names: list[str], track: str | None, message: str
) -> None:
    with pytest.raises(SuiteError, match=message):
        export_records(world.store, tmp_path, names, track)
    assert list(tmp_path.iterdir()) == []


def test_importing_twice_changes_nothing(file: Path, other: Store) -> None:
    assert import_records(other, [file]) == ["prompt_rte (track tiny, seed 0): imported"]
    before = contents(other)
    assert import_records(other, [file.parent]) == ["prompt_rte (track tiny, seed 0): already here"]
    assert contents(other) == before
    assert all(step.imported for step in before[2].values())
    assert before[0].imported


def test_what_was_done_here_stays_and_what_was_not_is_filled_in(world: World, file: Path, other: Store) -> None:
    here = World(other)
    train = here.train("prompt", 0, Costs(1.0, 1, 1, 1, 1))
    here.experiment("prompt_rte", {("rte", 0): None}, train=[train], file="/home/me/specs/a.yaml")
    assert import_records(other, [file]) == ["prompt_rte (track tiny, seed 0): imported"]
    assert not other.experiments()[0].imported
    steps = {
        step.kind: step
        for step in other.steps([link.step_id for link in other.links(other.experiments()[0].id)]).values()
    }
    assert (steps["train"].imported, steps["train"].costs.seconds) == (False, 1.0)
    assert (steps["evaluate"].imported, steps["evaluate"].status) == (True, "done")


def test_a_step_that_a_process_is_at_work_on_is_left_to_it(file: Path, other: Store) -> None:
    here = World(other, held_out=("qa", "mt"))
    here.experiment("prompt_rte", {("rte", 0): None}, train=[train := here.train("prompt", 0, None)])
    assert other.claim(train, OWNER)
    import_records(other, [file])
    assert other.statuses([train]) == {train: "running"}
    assert other.finish(train, OWNER, StepOutcome())


def test_an_experiment_that_was_run_here_with_other_steps_keeps_them(world: World, file: Path, other: Store) -> None:
    here = World(other, held_out=("qa", "mt"))
    here.experiment("prompt_rte", {("rte", 0): per_document(1.0)}, train=[here.train("lora", 1, Costs())])
    before = contents(other)
    assert import_records(other, [file]) == ["prompt_rte (track tiny, seed 0): already here"]
    assert contents(other) == before


def set_value(record: Record, *path: Any, value: Any) -> None:
    for key in path[:-1]:
        record = record[key]
    record[path[-1]] = value


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("schema_version",), 4, "newer version of suite.*upgrade"),
        (("steps", 0, "config", "seed"), 5, "id is not the fingerprint of its config"),
        (("steps", 1, "scores", 0, "value"), 99.0, "answers' mean is 100, and 'accuracy' is 99"),
        (("steps", 1, "scores", 0, "value"), None, "answers' mean is 100"),
        (("steps", 1, "scores", 0, "value"), "100", "valid number"),
        (("steps", 1, "scores", 0, "n"), 3, "over 3 documents, and 2 were answered"),
        (("steps", 1, "scores", 0, "primary"), False, "one primary score"),
        (("steps", 1, "answers", 1, "doc_id"), 0, "a document twice"),
        (("steps", 0, "findings", 0, "name"), "secrets", "finding 'secrets' is not one"),
        (("steps", 0, "findings", 0, "content", "experts"), ["math"], "finding 'mixture' is not one"),
        (("steps", 1, "answers", 1, "value"), None, "some answers are scored"),
        (("steps", 1, "answers", 1, "output"), 7, "valid string"),
        (("steps", 1, "started"), "yesterday", "isoformat"),
        (("steps", 1, "surprise"), 1, "Unexpected keyword|Extra inputs|not permitted"),
        (("steps", 0, "costs", "tokens"), 2**70, "tokens is 1.18059e.21, and not between 0 and"),
        (("schema_version",), -1, "record schema '-1', which there never was"),
        (("schema_version",), True, "record schema 'True'"),
        (("steps", 0, "costs", "seconds"), -0.5, "seconds is -0.5, and not between 0"),
        (("steps", 0, "artifact", "bytes"), -1, "the artifact's bytes is -1"),
        (("steps", 0, "curve", 0, "step"), -3, "a training step of the curve 'loss' is -3"),
        (("steps", 1, "scores", 0, "stderr"), -1.0, "standard error of 'accuracy' is -1"),
        (("steps", 1, "scores", 0, "truncated"), 3, "truncated answers of 'accuracy' is 3, and not between 0 and 2"),
        (("steps", 1, "finished"), "2026-01-01T00:00:00", "a time without its zone"),
        (("links", 1, "shots"), 4, "asks for no evaluation of 'rte' with 4 exemplars"),
        (("links", 1, "role"), "cb", "asks for no evaluation of 'cb'"),
        (("links", 0, "role"), "rte", "links to a train step as the answer to a role"),
        (("links", 0, "step_id"), "elsewhere", "links to the step 'elsewhere', which is not in it"),
        (("links", 1, "part"), "train", "which is not in it as 'train'"),
        (("links",), [], "holds a step that it does not link to"),
        (("experiment", "seed"), 1, "its name, track, seed"),
        (("experiment", "name"), "../../etc", "should match pattern"),
        (("experiment", "spec", "track", "shots"), [1], "id is not the fingerprint of its spec"),
        (("experiment", "spec", "roles"), {}, "is not described"),
        (("experiment", "spec", "track", "held_out"), None, "spec"),
    ],
)
def test_a_record_that_does_not_fit_is_refused_whole(
    file: Path, other: Store, path: tuple[Any, ...], value: Any, message: str
) -> None:
    refused(other, altered(file, lambda record: set_value(record, *path, value=value)), message)


def test_a_record_that_was_changed_after_it_was_made_is_refused(file: Path, other: Store) -> None:
    altered(file, lambda record: set_value(record, "steps", 1, "answers", 0, "output", value="better"), sign=False)
    refused(other, file, "does not have the hash it states")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is not JSON"),
        (b"[1, 2]", "not a record"),
        (b"{}", "not a record"),
        (b'{"schema_version": 1}', "sha256: Field required"),
        (b'{"schema_version": 1, "sha256": NaN}', "not JSON|not a record"),
        (b"[" * 100_000, "is not JSON"),
        (b"\xff\xfe", "not UTF-8"),
        (b"\x1f\x8bbroken", "cannot be read"),
        (gzip.compress(b"{" * 1000, mtime=0)[:-8], "cannot be read"),
    ],
)
def test_what_is_no_record_is_refused_in_one_line(tmp_path: Path, other: Store, data: bytes, message: str) -> None:
    (tmp_path / "a.json").write_bytes(data)
    refused(other, tmp_path / "a.json", message)


def test_a_file_that_unpacks_to_too_much_is_refused(
    tmp_path: Path, other: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(texts, "MAX_BYTES", 1_000_000)
    (tmp_path / "bomb.json.gz").write_bytes(gzip.compress(b" " * 1_000_001))
    refused(other, tmp_path / "bomb.json.gz", "longer than 1 MB")


def test_what_is_not_there_is_an_error(tmp_path: Path, other: Store) -> None:
    for place, message in ((tmp_path, "no records"), (tmp_path / "none.json", "no such file")):
        with pytest.raises(SuiteError, match=message):
            import_records(other, [place])


def test_one_bad_record_does_not_keep_the_others_out(world: World, file: Path, other: Store) -> None:
    export_records(world.store, file.parents[1], ["pretrained"])
    altered(file, lambda record: record["links"].clear())
    with pytest.raises(SuiteError, match=r"prompt_rte.*does not link"):
        import_records(other, [file.parents[1]])
    assert [experiment.name for experiment in other.experiments()] == ["pretrained"]


@pytest.mark.parametrize(
    ("path", "value", "found"),
    [
        (("scores", 0, "value"), 99.0, r"the answers' bleu is 40\.47, and 'bleu' is 99"),
        (("scores", 0, "value"), None, "'bleu' is None"),
        (("answers", 1, "parsed"), "le vieux chat noir dort", r"the answers' bleu is 73\.5797, and 'bleu' is 40\.4"),
        (("answers", 1, "target"), "quelque chose", r"the answers' bleu is"),
    ],
)
def test_a_bleu_that_does_not_follow_from_the_answers_is_refused(
    world: World, tmp_path: Path, other: Store, path: tuple[Any, ...], value: Any, found: str
) -> None:
    file = export_records(world.store, tmp_path, ["pretrained"])[0]
    steps = json.loads(file.read_text())["steps"]
    at = next(place for place, step in enumerate(steps) if step["scores"][0]["metric"] == "bleu")
    refused(other, altered(file, lambda record: set_value(record, "steps", at, *path, value=value)), found)
