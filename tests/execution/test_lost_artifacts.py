"""A finished train step whose artifact is missing, damaged or another's is done again, and what was built on it."""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from suite.cli.commands.planning import planned
from suite.core.errors import TakenOver
from suite.core.run_dir import RunDir
from suite.execution.artifacts import publish
from suite.execution.context import StepContext
from suite.execution.executor import LocalExecutor
from suite.execution.lost_artifacts import lost_artifacts
from suite.execution.progress import PlanProgress
from suite.execution.schedule import Schedule
from suite.execution.worker import working
from suite.models.artifacts import load_artifact
from suite.results.store import ArtifactRecord, Store
from tests.cli.calls import SMALL, start, suite

QUICK = [*SMALL, "--set", "method.steps=6"]
LORA = ["run", "specs/lora_rte.yaml", "--track=micro", *QUICK]


def rows(home: Path, query: str) -> list[tuple[Any, ...]]:
    with sqlite3.connect(home / "suite.db") as connection:
        return connection.execute(query).fetchall()


def change(home: Path, command: str) -> None:
    with sqlite3.connect(home / "suite.db") as connection:
        connection.execute(command)


def scores(home: Path) -> list[tuple[Any, ...]]:
    return rows(home, "SELECT title, metric, value FROM score JOIN step ON step.id = step_id ORDER BY 1, 2")


def artifacts(home: Path) -> list[Path]:
    return [home / "artifacts" / step for (step,) in rows(home, "SELECT step_id FROM artifact ORDER BY step_id")]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("whole")
    process = start(*LORA, "--home", home)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    return home


@pytest.fixture
def home(whole: Path, tmp_path: Path) -> Path:
    return shutil.copytree(whole, tmp_path / "home")


@pytest.fixture(scope="module")
def record(whole: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("records")
    process = start("export", folder, "--home", whole)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    return folder


def run(capsys: pytest.CaptureFixture[str], home: Path, *more: str) -> str:
    """What a run that must end well says of its steps."""
    code, out, err = suite(capsys, *LORA, *more, "--home", home)
    assert code == 0, err
    return out + err


def test_a_missing_artifact_is_trained_again_and_its_results_stay(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder,), before = artifacts(home), scores(home)
    shutil.rmtree(folder)
    said = run(capsys, home)
    assert "train lora on rte · micro · seed 0: done again, for its artifact is not here" in said
    assert "1 steps done" in said
    assert scores(home) == before
    assert folder.is_dir()
    assert rows(home, "SELECT DISTINCT status FROM step") == [("done",)]


def test_an_artifact_that_is_damaged_after_the_first_look_is_trained_again_when_a_step_needs_it(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder,), before = artifacts(home), scores(home)
    tensors = max(folder.iterdir(), key=lambda file: file.stat().st_size)
    content = bytearray(tensors.read_bytes())
    content[-5] ^= 16
    tensors.write_bytes(content)
    change(home, "DELETE FROM score WHERE step_id IN (SELECT id FROM step WHERE title LIKE '%lora%')")
    change(home, "UPDATE step SET status = 'pending' WHERE kind = 'evaluate' AND title LIKE '%lora%'")
    sets = [each for each in QUICK if each != "--set"]
    made = planned([Path("specs/lora_rte.yaml")], "micro", sets, "first", None, None, RunDir(home), baseline=True)
    plan, inputs = made.plan, made.inputs
    context = StepContext(RunDir(home), inputs)
    with Store.open(RunDir(home).url) as store, working(context, store):
        schedule = Schedule(plan, store, PlanProgress(0), statuses=store.statuses([step.id for step in plan.steps]))
        LocalExecutor().run(schedule, context)  # a run would have looked at the artifact first
    assert not schedule.failed
    said = "".join(capsys.readouterr())
    assert said.count("done again, for its artifact cannot be used") == 1
    assert scores(home) == before
    assert rows(home, "SELECT DISTINCT status FROM step") == [("done",)]


def test_an_artifact_that_is_not_the_selected_checkpoint_is_never_evaluated(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(capsys, home, "--seeds", "0,1")
    one, two = artifacts(home)
    before = scores(home)
    shutil.rmtree(one)
    shutil.copytree(two, one)  # sound in itself, but another seed's
    change(home, "UPDATE step SET status = 'failed' WHERE kind = 'evaluate'")
    said = run(capsys, home, "--seeds", "0,1")
    assert said.count("done again, for its artifact is not what was saved: its hash differs") == 1
    assert scores(home) == before


def test_what_was_measured_with_another_artifact_is_measured_again(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = scores(home)
    change(home, "UPDATE artifact SET hash = 'that of another machine'")
    change(home, "UPDATE answer SET output = 'of another machine' WHERE step_id IN (SELECT step_id FROM answer)")
    shutil.rmtree(artifacts(home)[0])
    said = run(capsys, home)
    assert "its artifact is another one now, so 3 steps that use it run again" in said
    assert "4 steps done" in said
    outputs = rows(
        home, "SELECT DISTINCT title FROM answer JOIN step ON step.id = step_id WHERE output = 'of another machine'"
    )
    assert outputs
    assert not any("lora" in title for (title,) in outputs)
    assert scores(home) == before


class Interrupted(Store):
    """A store whose artifacts another process deletes once they have been read."""

    home: Path

    def artifacts(self, steps: Sequence[str]) -> dict[str, ArtifactRecord]:
        read = super().artifacts(steps)
        for step in self.mark_deleted(list(read)):
            shutil.rmtree(self.home / "artifacts" / step)
        return read


def test_an_artifact_that_another_process_deletes_meanwhile_is_deleted_and_not_lost(home: Path) -> None:
    sets = [each for each in QUICK if each != "--set"]
    made = planned([Path("specs/lora_rte.yaml")], "micro", sets, "first", None, None, RunDir(home), baseline=True)
    with Interrupted.open(home / "suite.db") as store:
        assert isinstance(store, Interrupted)
        store.home = home
        steps = store.steps([step.id for step in made.plan.steps])
        assert artifacts(home)[0].is_dir()
        assert lost_artifacts(made.plan, steps, store, RunDir(home)) == {}
        assert not artifacts(home)[0].exists()
        restored = lost_artifacts(made.plan, steps, store, RunDir(home), restore=True)
    assert restored == {artifacts(home)[0].name: "its artifact was deleted"}


def test_imported_results_are_results_and_an_imported_train_step_is_work_to_do(
    record: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "home"
    assert suite(capsys, "import", record, "--home", home)[0] == 0
    imported = scores(home)
    assert "0 steps done" in run(capsys, home)  # every result is here
    assert scores(home) == imported
    assert not (home / "artifacts").exists()

    more = ["--set", "target.documents=12"]
    code, out, _ = suite(capsys, "plan", *LORA[1:], *more, "--home", home)
    assert code == 0
    lines = [line for line in out.splitlines() if "train lora on rte" in line and "shot" not in line]
    assert [line.partition(" ")[0] for line in lines] == ["to"]
    assert lines[0].endswith("its artifact is not here (it was imported)")
    assert any(line.startswith("done") and line.endswith("imported") for line in out.splitlines())
    said = run(capsys, home, *more)
    assert "done again, for its artifact is not here (it was imported)" in said
    assert rows(home, "SELECT DISTINCT status FROM step") == [("done",)]
    assert rows(home, "SELECT imported FROM step WHERE kind = 'train'") == [(0,)]


def test_four_runs_at_once_train_what_was_imported_once(record: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    process = start("import", record, "--home", home)
    assert process.wait(120) == 0
    running = [start(*LORA, "--set", "target.documents=12", "--home", home) for _ in range(4)]
    ends = [each.communicate(timeout=500) for each in running]
    assert [each.returncode for each in running] == [0] * 4, ends
    assert rows(home, "SELECT attempts FROM step WHERE kind = 'train'") == [(2,)]  # that of the record, and one here
    assert rows(home, "SELECT DISTINCT status FROM step") == [("done",)]


def test_an_attempt_that_lost_its_step_leaves_the_artifact_of_the_next_alone(whole: Path, tmp_path: Path) -> None:
    (source,) = artifacts(whole)
    ((base,),) = rows(whole, "SELECT base FROM artifact")
    artifact = load_artifact(source, base)
    folder = publish(tmp_path / "artifacts" / source.name, artifact, base)
    before = folder.stat().st_ino
    with pytest.raises(TakenOver):
        publish(folder, artifact, base, ours=lambda: False)
    assert folder.stat().st_ino == before
    assert [each.name for each in folder.parent.iterdir()] == [folder.name]


def test_an_attempt_that_lost_its_step_leaves_what_the_next_one_is_writing(whole: Path, tmp_path: Path) -> None:
    (source,) = artifacts(whole)
    ((base,),) = rows(whole, "SELECT base FROM artifact")
    unfinished = tmp_path / f".{source.name}.0a1b2c3d.new"
    unfinished.mkdir()
    with pytest.raises(TakenOver):
        publish(tmp_path / source.name, load_artifact(source, base), base, ours=lambda: False)
    assert list(tmp_path.iterdir()) == [unfinished]


@pytest.mark.parametrize("what", ["file", "link", "dangling link"])
def test_an_artifact_takes_the_place_of_whatever_stands_there(what: str, whole: Path, tmp_path: Path) -> None:
    (source,) = artifacts(whole)
    ((base, wanted),) = rows(whole, "SELECT base, hash FROM artifact")
    other, folder = tmp_path / "other", tmp_path / source.name
    if what == "file":
        folder.write_text("not a folder")
    else:
        folder.symlink_to(other)
    if what == "link":
        other.mkdir()
        (other / "mine").touch()
    publish(folder, load_artifact(source, base), base)
    assert load_artifact(folder, base).hash == wanted
    assert (other / "mine").exists() is (what == "link")


def test_a_flipped_bit_heals_when_nothing_else_is_to_do(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder,), before = artifacts(home), scores(home)
    sound = {file: file.read_bytes() for file in folder.iterdir()}
    tensors = max(sound, key=lambda file: len(sound[file]))
    content = bytearray(sound[tensors])
    content[-5] ^= 16
    tensors.write_bytes(content)
    said = run(capsys, home)
    assert "done again, for its artifact is not what was saved: its hash differs" in said
    assert "1 steps done" in said
    assert {file: file.read_bytes() for file in folder.iterdir()} == sound
    assert scores(home) == before


def test_a_run_whose_step_was_taken_over_goes_on_with_what_the_new_owner_leaves(tmp_path: Path) -> None:
    process = start(
        "run", "specs/lora_rte.yaml", "--track=micro", *SMALL, "--set", "method.steps=40", "--home", tmp_path
    )
    took = "UPDATE step SET owner = 'another', heartbeat = NULL WHERE kind = 'train' AND status = 'running'"
    existing = f"file:{tmp_path / 'suite.db'}?mode=rw"
    for _ in range(3600):
        time.sleep(0.02)
        with suppress(sqlite3.OperationalError), sqlite3.connect(existing, uri=True) as connection:
            if connection.execute(took).rowcount:  # whose heartbeat then stops
                break
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, out + err
    assert "left to another process" in out + err
    assert rows(tmp_path, "SELECT attempts, status FROM step WHERE kind = 'train'") == [(2, "done")]
