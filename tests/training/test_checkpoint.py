"""Checkpoints are written while training goes on, one at a time; what goes wrong with one is told."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import torch

from suite.core.errors import StepFailed
from suite.core.signals import EndedBySignal
from suite.training import checkpoint as checkpoint_module
from suite.training import updates as updates_module
from suite.training.checkpoint import Checkpoint, RunCheckpoints, Writer, intact, read_checkpoint
from tests.models.tiny_budget import Memory, Stop
from tests.models.tiny_models import tiny_backbone
from tests.training.test_loop import same, train

save = checkpoint_module.save_file


class Disk:
    """Stands for `save_file`: a disk that waits to be let go on, or fails."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error, self.go_on, self.asked = error, threading.Event(), threading.Event()
        self.begun = self.written = self.at_once = self.most = 0

    def __call__(self, tensors: Any, path: Path, metadata: Any = None) -> None:
        self.begun += 1
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        self.asked.set()
        assert self.go_on.wait(20)
        self.at_once -= 1
        if self.error is not None:
            raise self.error
        save(tensors, path, metadata=metadata)
        self.written += 1


def saved(at: float) -> Checkpoint:
    return Checkpoint({"now": {"x": torch.full((3,), at)}}, {"step": at})


def test_what_is_written_is_what_was_there_when_it_began(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = Disk()
    monkeypatch.setattr(checkpoint_module, "save_file", disk)
    tensor, state = torch.zeros(3), {"curve": [1]}
    writer = Writer(tmp_path)
    writer.write(Checkpoint({"now": {"x": tensor}}, state))
    assert writer.busy
    tensor += 1  # the next step
    state["curve"].append(2)
    disk.go_on.set()
    assert writer.close() is None
    found = read_checkpoint(tmp_path)
    assert found is not None
    assert (found.groups["now"]["x"].tolist(), found.state) == ([0, 0, 0], {"curve": [1]})


def test_a_slow_disk_does_not_stop_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = Disk()
    monkeypatch.setattr(checkpoint_module, "save_file", disk)

    class Watching(Memory):
        def progress(self, step: int, total: int, loss: float, score: float | None = None) -> None:
            super().progress(step, total, loss, score)
            if step == total:
                assert disk.asked.wait(20)  # a busy machine may not have come to it yet
                assert (disk.begun, disk.written) == (1, 0)  # still at the first, and it was not waited for
                disk.go_on.set()

    found = train(tiny_backbone("decoder"), tmp_path / "slow", log=Watching(), checkpoint_seconds=1e-9)
    assert disk.most == 1
    assert disk.written >= 1  # and it was, at the end
    assert same(found, train(tiny_backbone("decoder"), tmp_path / "quick"))


def test_an_interrupt_waits_for_the_checkpoint_that_is_being_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Disk()
    monkeypatch.setattr(checkpoint_module, "save_file", disk)
    threading.Timer(0.3, disk.go_on.set).start()
    backbone = tiny_backbone("decoder")
    with pytest.raises(Stop):
        train(backbone, tmp_path, log=Memory(2), checkpoint_seconds=1e-9)
    assert disk.go_on.is_set()
    log = Memory()
    train(backbone, tmp_path, log=log)
    assert log.said == ["going on after step 1"]


def test_a_failing_disk_fails_the_step_with_its_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = Disk(OSError(28, "No space left on device"))
    disk.go_on.set()
    monkeypatch.setattr(checkpoint_module, "save_file", disk)
    with pytest.raises(StepFailed, match=r"checkpoint cannot be written to .*No space left on device"):
        train(tiny_backbone("decoder"), tmp_path, checkpoint_seconds=0.0)


def test_a_checkpoint_that_fails_when_training_is_over_is_told_and_fails_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk, log = Disk(OSError(28, "No space left on device")), Memory()
    disk.go_on.set()
    monkeypatch.setattr(checkpoint_module, "save_file", disk)
    found = train(tiny_backbone("decoder"), tmp_path, log=log, steps=1, checkpoint_seconds=0.0)
    assert found.steps_done == 1
    assert [text for text in log.said if "No space left" in text] == log.said != []


def test_a_failed_checkpoint_leaves_the_one_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = Writer(tmp_path)
    writer.write(saved(1))
    writer.wait()

    def torn(tensors: Any, path: Path, metadata: Any = None) -> None:
        Path(path).write_bytes(b"half of it")
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(checkpoint_module, "save_file", torn)
    writer.write(saved(2))
    assert "Input/output error" in str(writer.close())
    found = read_checkpoint(tmp_path)
    assert found is not None
    assert found.state == {"step": 1}
    assert [file.suffix for file in tmp_path.iterdir()] == [".safetensors"]


def flip(file: Path) -> None:
    """One bit of the last tensor."""
    content = bytearray(file.read_bytes())
    content[-3] ^= 1
    file.write_bytes(content)


def two_checkpoints(folder: Path) -> None:
    writer = Writer(folder)
    writer.write(saved(1))
    writer.write(saved(2))
    assert writer.close() is None


def test_one_checkpoint_is_on_disk_and_a_flipped_bit_starts_anew(tmp_path: Path) -> None:
    two_checkpoints(tmp_path)
    (file,) = tmp_path.iterdir()
    said: list[str] = []
    found = intact(tmp_path, said.append)
    assert found is not None
    assert (found.state, said) == ({"step": 2}, [])
    flip(file)
    assert intact(tmp_path, said.append) is None
    assert [text.partition(":")[0] for text in said] == ["starting anew"]
    assert "does not have the checksum" in said[0]


def test_a_checkpoint_holds_what_is_trained_and_the_best_only_if_it_is_another(tmp_path: Path) -> None:
    with pytest.raises(Stop):
        train(tiny_backbone("decoder"), tmp_path / "at", log=Memory(3), checkpoint_seconds=0.0)
    at = read_checkpoint(tmp_path / "at")  # of step 2, which was selected
    with pytest.raises(Stop):
        train(tiny_backbone("decoder"), tmp_path / "after", log=Memory(4), checkpoint_seconds=0.0)
    after = read_checkpoint(tmp_path / "after")  # of step 3
    assert at is not None
    assert after is not None
    assert (set(at.groups), set(after.groups)) == ({"now", "optimizer"}, {"now", "optimizer", "best"})
    assert set(after.groups["now"]) == set(after.groups["best"])


@pytest.mark.parametrize("step", [2, 3])
def test_an_orderly_end_saves_the_step_and_training_goes_on_to_the_same_bytes(tmp_path: Path, step: int) -> None:
    backbone, log = tiny_backbone("decoder"), Memory()

    class Ended(Memory):
        def progress(self, done: int, total: int, loss: float, score: float | None = None) -> None:
            if done == step:
                raise EndedBySignal(15)

    with pytest.raises(EndedBySignal):
        train(backbone, tmp_path / "cut", log=Ended(), checkpoint_seconds=3600.0)
    resumed = train(backbone, tmp_path / "cut", log=log, checkpoint_seconds=3600.0)
    assert log.said == [f"going on after step {step}"]
    assert same(resumed, train(backbone, tmp_path / "whole"))


@pytest.mark.parametrize(("owner", "place", "last"), [(torch.Tensor, "backward", 2), (updates_module, "shrink", None)])
def test_an_end_within_a_step_saves_the_step_before_it_or_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: Any, place: str, last: int | None
) -> None:
    backbone, calls, log, original = tiny_backbone("decoder"), count(1), Memory(), getattr(owner, place)

    def ends(*arguments: Any) -> None:
        if next(calls) == 3:
            raise EndedBySignal(2)
        original(*arguments)

    monkeypatch.setattr(owner, place, ends)
    with pytest.raises(EndedBySignal):
        train(backbone, tmp_path / "cut", checkpoint_seconds=3600.0)
    monkeypatch.undo()
    assert same(train(backbone, tmp_path / "cut", log=log), train(backbone, tmp_path / "whole"))
    assert log.said == ([] if last is None else [f"going on after step {last}"])


def test_without_checkpoints_nothing_is_written(tmp_path: Path) -> None:
    class Ended(Memory):
        def progress(self, done: int, total: int, loss: float, score: float | None = None) -> None:
            if done == 2:
                raise EndedBySignal(2)

    with pytest.raises(EndedBySignal):
        train(tiny_backbone("decoder"), tmp_path / "cut", log=Ended(), checkpoint_seconds=math.inf)
    assert not (tmp_path / "cut").exists()


def test_a_closed_writer_leaves_no_thread(tmp_path: Path) -> None:
    before = threading.active_count()
    train(tiny_backbone("decoder"), tmp_path, checkpoint_seconds=0.0)
    until = time.monotonic() + 5
    while threading.active_count() > before and time.monotonic() < until:
        time.sleep(0.01)
    assert threading.active_count() <= before


class Counting:
    """Adds tokens up, and knows what a checkpoint kept of them."""

    def __init__(self) -> None:
        self.tokens = 0

    def add_tokens(self, count: int) -> None:
        self.tokens += count

    def to_keep(self) -> Mapping[str, Any]:
        return {"tokens": self.tokens}

    def resume(self, kept: Mapping[str, Any]) -> None:
        self.tokens = max(self.tokens, kept["tokens"])


def test_what_an_interruption_lost_is_spent_and_is_none_of_the_steps(tmp_path: Path) -> None:
    backbone, spending = tiny_backbone("decoder"), Counting()
    whole = train(backbone, tmp_path / "whole", spending=spending)
    assert spending.tokens == whole.tokens > 0
    cut = Counting()
    with pytest.raises(Stop):
        train(backbone, tmp_path / "cut", log=Memory(3), checkpoint_seconds=0.0, spending=cut)
    kept = read_checkpoint(tmp_path / "cut")  # of two steps; the third is lost
    assert kept is not None
    progress = kept.state["state"]["progress"]
    assert progress["step"] == 2
    lost = cut.tokens - progress["tokens"]
    assert lost > 0
    resumed = train(backbone, tmp_path / "cut", spending=cut)
    assert same(resumed, whole)
    assert cut.tokens == whole.tokens + lost
    elsewhere = Counting()  # a store that knows nothing of the attempt before
    with pytest.raises(Stop):
        train(backbone, tmp_path / "moved", log=Memory(4), checkpoint_seconds=0.0, spending=Counting())
    train(backbone, tmp_path / "moved", spending=elsewhere)
    assert elsewhere.tokens == whole.tokens


def test_none_is_due_while_one_is_being_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = Disk()
    monkeypatch.setattr(checkpoint_module, "save_file", disk)
    with RunCheckpoints(tmp_path, "mine", 1e-9, Counting(), print) as checkpoints:
        assert checkpoints.due
        checkpoints.save({"now": {"x": torch.zeros(1)}}, {})
        assert not checkpoints.due
        disk.go_on.set()
    assert disk.written == 1
