"""Hostile programs, a few."""

import subprocess
import time
from pathlib import Path

import pytest

from benchmarks.faults import programs
from suite.sandbox import bubblewrap

pytestmark = pytest.mark.skipif(not bubblewrap.available(), reason="no bubblewrap here: apt install bubblewrap")


def test_no_hostile_program_passes_and_all_right_ones_do(tmp_path: Path) -> None:
    outcome = programs.trial(tmp_path, count=8, seed=0)
    assert outcome.wrong == ()
    assert outcome.told["failed"] == outcome.tried == 8


def test_what_is_left_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "suite-program-x").mkdir()
    with subprocess.Popen(["sh", "-c", "read line", str(tmp_path)], stdin=subprocess.PIPE) as process:
        monkeypatch.setattr(programs, "PATIENCE", 0)
        for _ in range(100):  # until it is there
            if programs.processes(tmp_path):
                break
            time.sleep(0.05)
        assert [*programs.left(tmp_path)] == [str(tmp_path / "suite-program-x"), f"the process {process.pid}"]
