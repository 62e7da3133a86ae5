"""The table of the trials, and that what went wrong is not passed over."""

import sys
from pathlib import Path

import pytest

from benchmarks.faults import __main__ as command
from benchmarks.faults.trial import Outcome


class Lossy:
    COUNT = 3

    def trial(self, scratch: Path, count: int, seed: int) -> Outcome:
        assert list(scratch.iterdir()) == []
        return Outcome(tried=count, told={"one line": count - 1}, wrong=("fault 2: a score is gone",))


def test_a_row_says_how_many_ended_how_and_what_went_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    row = command.measure("lossy", Lossy(), None, seed=4)
    assert (row["tried"], row["seed"]) == (3, 4)
    line, wrong = capsys.readouterr().out.splitlines()
    assert line.startswith("| lossy | 3 | 2 one line | 1 |")
    assert wrong == "  wrong: fault 2: a score is gone"


def test_a_trial_in_which_anything_went_wrong_fails(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(command, "named", lambda: {"lossy": Lossy()})
    monkeypatch.setattr(sys, "argv", ["faults", "--count", "2", "--json", str(tmp_path / "rows.json")])
    assert command.main() == 1
    assert '"told": {\n   "one line": 1\n  }' in (tmp_path / "rows.json").read_text()
