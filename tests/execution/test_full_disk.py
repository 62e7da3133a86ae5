"""A full disk: the step fails in one line, nothing half-written counts, and the next run goes on from there."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from suite.core.errors import SuiteError
from suite.core.run_dir import RunDir
from suite.execution.artifacts import publish
from suite.models.artifacts import load_artifact
from suite.models.artifacts.prompt import SoftPrompt
from suite.results.store import StepOutcome, StepRecord, Store
from tests.cli.calls import SMALL, suite


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """Files of so many bytes at most, as `ulimit -f` has it: beyond it the system says that a file is too large."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_an_artifact_that_does_not_fit_leaves_the_one_before(tmp_path: Path) -> None:
    folder, old = tmp_path / "step", SoftPrompt(torch.ones(2, 8))
    publish(folder, old, "base")
    said = "cannot be written (File too large); make room on the disk (or raise `ulimit -f`)"
    with room_for(20_000), pytest.raises(SuiteError) as caught:
        publish(folder, SoftPrompt(torch.ones(100, 100)), "base")
    assert f"{folder}: {said}" in str(caught.value)
    assert load_artifact(folder, "base").hash == old.hash
    assert list(tmp_path.iterdir()) == [folder]


def test_a_store_that_cannot_grow_is_refused_in_one_line_and_recovers(tmp_path: Path) -> None:
    home = RunDir(tmp_path)
    many = [StepRecord(f"{number}", "train", "t" * 500, {}) for number in range(2000)]
    with Store.open(home.url) as store:
        with room_for(200_000), pytest.raises(SuiteError) as caught:
            store.add_steps(many)
        assert "cannot be used as a database" in str(caught.value)
        assert "make room" in str(caught.value)
        assert store.count_steps() == 0
    with Store.open(home.url) as store:
        store.add_steps(many)
        assert store.count_steps() == 2000


def test_training_whose_end_cannot_be_stored_is_not_done_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sets = (*SMALL, "--set", "method.steps=6", "--set", "budget.checkpoint_minutes=0")
    arguments = ("run", "specs/finetune_rte.yaml", "--track=micro", *sets, "--home", str(tmp_path))
    finish = Store.finish

    def full(store: Store, step: str, owner: str, outcome: StepOutcome, *rest: object) -> bool:
        if outcome.artifact is not None:
            raise SuiteError("cannot be used as a database (disk I/O error)")
        return finish(store, step, owner, outcome, *rest)

    monkeypatch.setattr(Store, "finish", full)
    assert suite(capsys, *arguments)[0] == 1
    (kept,) = (tmp_path / "work").iterdir()
    monkeypatch.setattr(Store, "finish", finish)
    code, _, err = suite(capsys, *arguments)
    assert (code, "going on after step" in err) == (0, True)
    assert not kept.exists()


def test_checkpoints_of_a_step_that_is_done_go(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("run", "specs/pretrained.yaml", "--track=micro", *SMALL, "--home", str(tmp_path))
    assert suite(capsys, *arguments)[0] == 0
    home = RunDir(tmp_path)
    with Store.open(home.url) as store:
        left = home.work(store.step_ids()[0])
    left.mkdir(parents=True)
    (left / "checkpoint.safetensors").write_bytes(b"of a process that was killed once the step was stored")
    assert suite(capsys, *arguments)[0] == 0
    assert not left.exists()


def test_a_read_only_store_says_so(tmp_path: Path) -> None:
    file = tmp_path / "suite.db"
    with Store.open(file) as store:
        store.add_steps([StepRecord("a", "train", "t", {})])
    with Store.open(file) as store:
        with store.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA query_only=ON")
        with pytest.raises(SuiteError, match=r"readonly database\); check the permissions"):
            store.add_steps([StepRecord("b", "train", "t", {})])


def test_a_run_on_a_full_disk_fails_its_step_and_the_next_run_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = ["run", "specs/finetune_rte.yaml", "--track=micro", "--home", tmp_path, *SMALL, "--set", "method.steps=1"]
    with room_for(2_000_000):
        code, out, err = suite(capsys, *run)
    assert code == 1
    assert "cannot be written (File too large); make room" in err
    assert "Traceback" not in err + out
    assert "failed: train finetune" in out
    code, out, _ = suite(capsys, *run)
    assert code == 0
    assert "0 failed" not in out
    assert "reused" in out
