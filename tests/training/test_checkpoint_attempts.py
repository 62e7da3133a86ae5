"""Checkpoints of other models, versions and attempts: which are used, and which attempt may write."""

from __future__ import annotations

import shutil
import threading
from itertools import count
from pathlib import Path

import pytest
import torch

from suite.core.errors import TakenOver
from suite.training.checkpoint import Checkpoint, RunCheckpoints, Writer, checkpoint_files, intact, read_checkpoint
from tests.models.tiny_budget import Memory, Stop
from tests.models.tiny_models import tiny_backbone
from tests.training.test_checkpoint import Counting, flip, saved
from tests.training.test_loop import same, train


def test_a_checkpoint_of_another_base_model_is_refused(tmp_path: Path) -> None:
    backbone, log = tiny_backbone("decoder"), Memory()
    with pytest.raises(Stop):
        train(backbone, tmp_path, log=Memory(3), checkpoint_seconds=0.0, base="one")
    train(backbone, tmp_path, log=log, base="another")
    assert log.said == ["starting anew: the checkpoint is of another configuration"]


def test_a_checkpoint_of_an_earlier_version_is_dropped_in_one_line_and_training_gives_the_same(tmp_path: Path) -> None:
    backbone, log = tiny_backbone("decoder"), Memory()
    with pytest.raises(Stop):
        train(backbone, tmp_path / "cut", log=Memory(4), checkpoint_seconds=0.0)
    found = intact(tmp_path / "cut", print)
    assert found is not None
    state = dict(found.state)
    del state["layout"]  # the first layout: key and progress side by side, without a number
    writer = Writer(tmp_path / "old")
    writer.write(Checkpoint(found.groups, {**state.pop("state")["progress"], **state, "numbers": {}}))
    assert writer.close() is None
    again = train(backbone, tmp_path / "old", log=log)
    assert log.said == ["starting anew: the checkpoint is of another version of suite"]
    assert same(again, train(backbone, tmp_path / "whole"))


def test_a_loop_of_ones_own_has_the_same_checkpoints(tmp_path: Path) -> None:
    """While one is being written no other is due, and each says what its run has spent."""
    tensor, spending = torch.zeros(3), Counting()
    with RunCheckpoints(tmp_path, "mine", 0.0, spending, print) as checkpoints:
        assert checkpoints.resume() is None
        for step in (1, 2):
            spending.add_tokens(10)
            tensor += 1
            assert checkpoints.due
            checkpoints.save({"now": {"x": tensor}}, {"step": step})
    said, elsewhere = list[str](), Counting()
    found = RunCheckpoints(tmp_path, "mine", 0.0, elsewhere, said.append).resume()
    assert found is not None
    assert (found.state, found.groups["now"]["x"].tolist(), elsewhere.tokens) == ({"step": 2}, [2, 2, 2], 20)
    assert RunCheckpoints(tmp_path, "another's", 0.0, elsewhere, said.append).resume() is None
    assert said == ["starting anew: the checkpoint is of another configuration"]


def write(folder: Path, step: int) -> Writer:
    """A new attempt's checkpoint."""
    writer = Writer(folder)
    writer.write(saved(step))
    writer.wait()
    return writer


def step_in(folder: Path) -> int:
    found = read_checkpoint(folder)
    assert found is not None
    return int(found.state["step"])


def test_a_new_attempt_replaces_the_checkpoint_of_the_one_before(tmp_path: Path) -> None:
    (tmp_path / "checkpoint.safetensors").write_bytes(b"of an older version")
    write(tmp_path, 1).close()
    (before,) = tmp_path.iterdir()
    left = before.with_name(f"{before.name}.part")
    left.write_bytes(b"of a process that was killed")
    with RunCheckpoints(tmp_path, "mine", 0.0, Counting(), print) as checkpoints:
        assert checkpoints.resume() is None  # it has no layout
        assert list(tmp_path.iterdir()) == [before]
        checkpoints.save({"now": {"x": torch.zeros(1)}}, {"step": 2})
    (after,) = tmp_path.iterdir()
    assert after.name.startswith("checkpoint.2-")


def test_an_attempt_that_goes_on_after_it_was_taken_over_changes_nothing_of_its_successors(tmp_path: Path) -> None:
    earlier = write(tmp_path, 1)
    later = write(tmp_path, 2)
    content = {file: file.read_bytes() for file in tmp_path.iterdir()}
    assert len(content) == 1
    earlier.write(saved(9))
    assert earlier.close() is None
    assert {file: file.read_bytes() for file in content} == content
    assert step_in(tmp_path) == 2
    later.write(saved(3))
    assert later.close() is None
    assert step_in(tmp_path) == 3


def test_without_the_folder_of_a_step_that_was_finished_elsewhere_none_is_made_again(tmp_path: Path) -> None:
    folder, said = tmp_path / "work", list[str]()
    checkpoints = RunCheckpoints(folder, "mine", 0.0, Counting(), said.append)
    checkpoints.save({"now": {"x": torch.zeros(1)}}, {})
    checkpoints._writer.wait()
    shutil.rmtree(folder)
    checkpoints.save({"now": {"x": torch.zeros(1)}}, {})
    checkpoints.__exit__(TakenOver, TakenOver(), None)
    assert (folder.exists(), said) == (False, [])


def test_of_two_checkpoints_a_damaged_one_leads_to_the_one_before(tmp_path: Path) -> None:
    earlier = write(tmp_path, 1)
    write(tmp_path, 2).close()
    earlier.write(saved(7))
    earlier.close()
    last, before = checkpoint_files(tmp_path)
    flip(last)
    said: list[str] = []
    found = intact(tmp_path, said.append)
    assert found is not None
    assert (found.state, [text.partition(":")[0] for text in said]) == ({"step": 7}, ["trying the one before"])
    flip(before)
    assert intact(tmp_path, said.append) is None
    assert [text.partition(":")[0] for text in said[1:]] == ["trying the one before", "starting anew"]


def test_a_checkpoint_that_its_writer_replaces_meanwhile_is_not_taken_for_damaged(tmp_path: Path) -> None:
    end, writer = threading.Event(), Writer(tmp_path)
    writer.write(saved(1.0))
    writer.wait()

    def replace() -> None:
        for step in count(2):
            if end.is_set():
                return
            writer.write(saved(float(step)))

    thread = threading.Thread(target=replace)
    thread.start()
    try:
        steps = [step_in(tmp_path) for _ in range(2000)]
    finally:
        end.set()
        thread.join()
        assert writer.close() is None
    assert steps == sorted(steps)
    assert len(set(steps)) > 10
