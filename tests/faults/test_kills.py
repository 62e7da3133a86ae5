"""Killed processes, a few."""

from pathlib import Path

from benchmarks.faults import kills


def test_a_kill_loses_nothing_and_does_nothing_twice(tmp_path: Path) -> None:
    outcome = kills.trial(tmp_path, count=3, seed=2)
    assert outcome.wrong == ()
    assert outcome.tried == sum(outcome.told.values()) == 3
