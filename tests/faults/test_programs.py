"""Hostile programs, a few."""

from pathlib import Path

import pytest

from benchmarks.faults import programs
from suite import sandbox

pytestmark = pytest.mark.skipif(not sandbox.available(), reason="no bubblewrap here")


def test_no_hostile_program_passes_and_all_right_ones_do(tmp_path: Path) -> None:
    outcome = programs.trial(tmp_path, count=8, seed=0)
    assert outcome.wrong == ()
    assert outcome.told["failed"] == outcome.tried == 8


def test_what_is_left_is_told(tmp_path: Path) -> None:
    (tmp_path / "suite-program-x").mkdir()
    assert list(programs.left(tmp_path)) == [str(tmp_path / "suite-program-x")]
