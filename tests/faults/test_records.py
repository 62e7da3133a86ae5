"""Changed records, a few."""

from pathlib import Path

from benchmarks.faults import records


def test_a_changed_record_is_refused_in_a_line_or_shown_everywhere(tmp_path: Path) -> None:
    outcome = records.trial(tmp_path, count=12, seed=1)
    assert outcome.wrong == ()
    assert sum(outcome.told.values()) == 12
    assert set(outcome.told) == {"refused", "shown"}
