"""What nothing refers to is found by kind and deleted; what a result, an attempt or a living process needs stays."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from suite.core.run_dir import RunDir
from suite.execution.garbage import GarbageItem, delete_garbage, find_garbage
from suite.results.store import ArtifactRecord, ExperimentRecord, Owner, StepLink, StepOutcome, StepRecord, Store

DONE, PENDING, RUNNING, REPLACED, GONE = ("d" * 16, "e" * 16, "a" * 16, "b" * 16, "c" * 16)
MODEL, OTHER_MODEL = "model one", "model two"


def step(name: str, kind: str = "train") -> StepRecord:
    return StepRecord(id=name, kind=kind, title=f"train {name}", config={"kind": kind, "model": {"identity": MODEL}})


def add(store: Store, name: str, steps: list[str]) -> None:
    record = ExperimentRecord(
        id=name, name=name, track="micro", seed=0, method="svf", family="vectors", targets=("rte",), source="", spec={}
    )
    store.add_experiment(record, [StepLink(each, "train", None, None, at) for at, each in enumerate(steps)])


def finish(store: Store, name: str) -> None:
    assert store.claim(name, "host:1:1")
    artifact = ArtifactRecord("singular", "h" * 64, MODEL, 10, 5, name)
    assert store.finish(name, "host:1:1", StepOutcome(artifact=artifact))


@pytest.fixture
def home(tmp_path: Path) -> RunDir:
    return RunDir(tmp_path)


@pytest.fixture
def store(home: RunDir) -> Iterator[Store]:
    """A done, a pending and a running step of an experiment, and a done one that no experiment has any more."""
    with Store.open(home.url) as store:
        store.add_steps([step(name) for name in (DONE, PENDING, RUNNING, REPLACED)])
        add(store, "mine", [DONE, PENDING, RUNNING])
        finish(store, DONE)
        finish(store, REPLACED)
        assert store.claim(RUNNING, str(Owner.here()))
        yield store


def write(path: Path, size: int = 10, *, age: float = 0.0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)
    os.utime(path, (time.time() - age,) * 2)
    return path


def names(items: tuple[GarbageItem, ...]) -> list[tuple[str, str]]:
    return [(item.kind, item.path.name) for item in items]


def test_artifacts_of_removed_steps_go_and_those_of_results_and_running_steps_stay(home: RunDir, store: Store) -> None:
    for name in (DONE, PENDING, RUNNING, REPLACED, GONE):
        write(home.artifact(name) / "weights.safetensors", 100)
    write(home.artifacts / "my notes" / "read.me")
    items = find_garbage(store, home, {REPLACED: "replaced"})
    assert [(item.why, item.path.name, item.bytes) for item in items] == [
        ("replaced", REPLACED, 100), ("their steps were removed", GONE, 100),
        ("no result belongs to them", PENDING, 100),
    ]  # fmt: skip
    store.mark_deleted([REPLACED])
    assert len(delete_garbage(store, items)) == 3
    assert sorted(each.name for each in home.artifacts.iterdir()) == sorted([DONE, RUNNING, "my notes"])
    assert find_garbage(store, home, {}) == ()


def test_checkpoints_and_answers_stay_for_steps_that_an_experiment_has_to_do(home: RunDir, store: Store) -> None:
    for name in (DONE, PENDING, RUNNING, REPLACED, GONE):
        write(home.work(name) / "checkpoint.safetensors")
        write(home.work(name) / "checkpoint.safetensors.part")
        write(home.answers / f"0123.{name}.json")
        write(home.answers / f"4567.{name}.part")
    delete_garbage(store, find_garbage(store, home, {}))
    files = [file for file in home.folder.rglob("*.*") if file.parent != home.folder]
    assert sorted(str(file.relative_to(home.folder)) for file in files) == [
        f"answers/0123.{RUNNING}.json", f"answers/0123.{PENDING}.json", f"answers/4567.{RUNNING}.part",
        f"work/{RUNNING}/checkpoint.safetensors", f"work/{RUNNING}/checkpoint.safetensors.part",
        f"work/{PENDING}/checkpoint.safetensors",
    ]  # fmt: skip


def test_what_killed_processes_left_goes_and_what_a_living_one_writes_stays(home: RunDir, store: Store) -> None:
    for name in (DONE, PENDING, RUNNING, GONE):
        write(home.artifacts / f".{name}.01234567.new" / "weights.safetensors")
    write(home.factors_of(MODEL) / "abc.safetensors")
    young = write(home.factors_of(MODEL) / "abc.safetensors.77.part")
    old = write(home.factors_of(MODEL) / "def.safetensors.77.part", age=4000)
    database = write(home.folder / ".suite.db.01234567.new-wal", age=4000)
    items = find_garbage(store, home, {})
    assert {item.kind for item in items} == {"temporary files"}
    assert {item.path for item in items} == {
        *(home.artifacts / f".{name}.01234567.new" for name in (DONE, PENDING, GONE)), old, database
    }  # fmt: skip
    delete_garbage(store, items)
    assert young.exists()
    assert not old.exists()


def test_factors_go_with_the_last_expert_of_their_model_or_where_caches_are_named(home: RunDir, store: Store) -> None:
    own = write(home.factors_of(MODEL) / "abc.safetensors").parent
    other = write(home.factors_of(OTHER_MODEL) / "abc.safetensors").parent
    assert names(find_garbage(store, home, {})) == [("SVD factors", other.name)]
    delete_garbage(store, find_garbage(store, home, {}, caches=True))
    assert not own.exists()
    assert not other.exists()


def test_a_step_that_begins_after_the_look_keeps_its_files(home: RunDir, store: Store) -> None:
    write(home.artifact(PENDING) / "weights.safetensors")
    items = find_garbage(store, home, {})
    assert names(items) == [("artifacts", PENDING)]
    assert store.claim(PENDING, str(Owner.here()))
    assert delete_garbage(store, items) == ()
    assert (home.artifact(PENDING) / "weights.safetensors").exists()


def test_a_living_process_is_known_by_its_number_and_a_dead_one_loses_its_files(home: RunDir, store: Store) -> None:
    code = "from suite.results.store import Owner; print(Owner.here(), flush=True); input()"
    other = subprocess.Popen([sys.executable, "-c", code], stdin=-1, stdout=-1, text=True)
    assert other.stdin is not None
    assert other.stdout is not None
    owner = other.stdout.readline().strip()
    assert store.claim(PENDING, owner)
    write(home.artifact(PENDING) / "weights.safetensors")
    assert find_garbage(store, home, {}) == ()
    other.communicate("\n")
    assert names(find_garbage(store, home, {})) == [("artifacts", PENDING)]


def test_a_link_to_another_disk_goes_and_what_it_names_stays(home: RunDir, store: Store, tmp_path: Path) -> None:
    target = write(tmp_path / "elsewhere" / "weights.safetensors").parent
    home.artifacts.mkdir()
    home.artifact(GONE).symlink_to(target)
    delete_garbage(store, find_garbage(store, home, {}))
    assert not home.artifact(GONE).is_symlink()
    assert (target / "weights.safetensors").exists()


def test_an_artifact_that_an_unfinished_step_needs_is_not_marked_as_deleted(home: RunDir, store: Store) -> None:
    needs = StepRecord(id="f" * 16, kind="evaluate", title="rte", config={"stack": [DONE]})
    store.add_steps([needs])
    assert store.deletable([DONE, RUNNING]) == (DONE,)  # of no experiment, and not running
    add(store, "mine", [DONE, PENDING, RUNNING, needs.id])
    assert store.mark_deleted([DONE]) == ()
    finish(store, needs.id)
    before = store.artifacts([DONE])[DONE]
    assert store.mark_deleted([DONE]) == (DONE,)
    after = store.artifacts([DONE])[DONE]
    assert (before.path, after.path) == (DONE, "")
    assert (after.hash, after.bytes) == (before.hash, before.bytes)
    assert store.alterations() == ()
    assert store.deletable([DONE]) == ()
