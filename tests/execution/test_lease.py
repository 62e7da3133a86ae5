"""A process that lost its step to another one ends its attempt, and leaves the other's files alone."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path
from subprocess import Popen

import pytest
import torch

from suite.core.errors import TakenOver
from suite.execution import lease as lease_module
from suite.execution.cost import Cost
from suite.execution.lease import HeldLease
from suite.results.store import StepRecord, Store
from suite.training.checkpoint import Checkpoint, Writer, read_checkpoint
from tests.cli.calls import SMALL, start
from tests.execution.test_run import rows, until

BEAT_SECONDS = 0.25
RUN = f"""
import suite.execution.lease as lease
lease.HEARTBEAT_SECONDS = {BEAT_SECONDS}
from suite.cli import main
main()
"""
LONG = ["--set", "method.steps=100000", "--set", "budget.checkpoint_minutes=0.005"]
SUCCESSOR = "another-host:1:1"


def line_with(process: Popen[str], text: str) -> str:
    assert process.stderr is not None
    return next(line for line in process.stderr if text in line)


def test_training_ends_once_another_process_took_the_step_over(tmp_path: Path) -> None:
    process = start("run", "specs/finetune_rte.yaml", "--track=micro", *SMALL, *LONG, "--home", tmp_path, code=RUN)
    try:
        until(lambda: any((tmp_path / "work").rglob("checkpoint.*.safetensors")))
        ((step,),) = rows(tmp_path, "SELECT id FROM step WHERE kind = 'train' AND status = 'running'")
        with Store.open(tmp_path / "suite.db") as store:
            assert store.claim(step, SUCCESSOR, lease_seconds=-60.0)  # as if the heartbeats were old
        taken = time.monotonic()
        writer = Writer(tmp_path / "work" / step)
        writer.write(Checkpoint({"now": {"x": torch.ones(3)}}, {"step": 7}))
        assert writer.close() is None
        assert line_with(process, "left to another process, which took it over")
        assert time.monotonic() - taken < 2 * BEAT_SECONDS + 2.0  # two for a busy machine
        left = read_checkpoint(tmp_path / "work" / step)
        assert left is not None
        assert left.state == {"step": 7}
        before = sorted((file.name, file.stat().st_mtime_ns) for file in (tmp_path / "work" / step).iterdir())
        assert line_with(process, "waiting for process 1 on another-host")
        assert before == sorted((file.name, file.stat().st_mtime_ns) for file in (tmp_path / "work" / step).iterdir())
        assert rows(tmp_path, f"SELECT owner, status, attempts FROM step WHERE id = '{step}'") == [
            (SUCCESSOR, "running", 2)
        ]
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 143
        assert rows(tmp_path, f"SELECT owner, status FROM step WHERE id = '{step}'") == [(SUCCESSOR, "running")]
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def held(tmp_path: Path) -> Iterator[tuple[Store, HeldLease]]:
    """A store in which "me" has claimed the step "a", and its lease of a minute."""
    with Store.open(tmp_path / "suite.db") as store:
        store.add_steps([StepRecord("a", "train", "train it", {})])
        assert store.claim("a", "me")
        yield store, HeldLease(store, "a", "me", Cost(), 60.0)


def test_after_a_long_silence_the_store_is_asked_before_anything_else(
    held: tuple[Store, HeldLease], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, lease = held
    assert store.claim("a", SUCCESSOR, lease_seconds=-60.0)
    lease.check()  # the last answer is younger than the lease, so the next heartbeat will tell
    now = lease_module._now()
    monkeypatch.setattr(lease_module, "_now", lambda: now + 61.0)
    with pytest.raises(TakenOver):
        lease.check()


def test_a_lease_that_is_still_its_owners_is_renewed_after_a_long_silence(
    held: tuple[Store, HeldLease], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, lease = held
    time.sleep(0.3)
    assert (store.leases(["a"])["a"].silence or 0.0) >= 0.3
    now = lease_module._now()
    monkeypatch.setattr(lease_module, "_now", lambda: now + 61.0)
    lease.check()
    assert (store.leases(["a"])["a"].silence or 0.0) < 0.3
