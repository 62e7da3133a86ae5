"""Flipped bits, a few of each kind."""

from pathlib import Path

from benchmarks.faults import bits


def test_a_flipped_bit_changes_nothing_that_is_shown_without_a_word(tmp_path: Path) -> None:
    outcome = bits.trial(tmp_path, count=5, seed=3)
    assert outcome.wrong == ()
    assert outcome.tried == sum(outcome.told.values()) == 5
