"""The trial that kills worker processes, a few of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.faults import workers


@pytest.mark.slow
def test_a_run_goes_on_when_its_workers_or_their_server_are_killed_and_so_does_the_next_if_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "MOMENTS", ("training", "fork server", "evaluation", "main process"))
    outcome = workers.trial(tmp_path, 4, 1)
    assert outcome.wrong == ()
    assert outcome.tried == 4
    assert outcome.told["runs equal to an undisturbed one"] > 0
