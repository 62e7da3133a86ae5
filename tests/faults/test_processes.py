"""The trial of several processes on one home, a few seconds of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.faults import processes


@pytest.mark.slow
def test_processes_that_are_stopped_and_killed_leave_what_one_run_leaves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "MINUTES", 0.2)
    monkeypatch.setattr(processes, "BETWEEN_FAULTS_SECONDS", (0.5, 2.0))
    outcome = processes.trial(tmp_path, 3, 0)
    assert outcome.wrong == ()
    assert outcome.tried > 0


def test_a_line_of_progress_is_not_the_end_of_a_step() -> None:
    lines = "[3/9] train lora · step 6/6 · loss 0.204 · score 50.0 · 4.0 s left\n[3/9] train lora · done · 2.0 s\n"
    home = processes._Home(Path(), 0.0)
    home.note(("run",), 0, lines)
    home.note(("run",), 0, lines.splitlines()[0])
    assert home.done == {"train lora": 1}
