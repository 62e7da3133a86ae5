"""A PostgreSQL server restarted while several processes run on it, a few times."""

from pathlib import Path

import pytest

from benchmarks.faults import shared_server
from benchmarks.faults._server import missing


@pytest.mark.slow
@pytest.mark.skipif(missing() is not None, reason=str(missing()))
def test_processes_that_share_a_server_that_is_restarted_leave_what_one_run_leaves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = ("specs/lora_rte.yaml", "specs/prompt_tuning_rte.yaml")
    monkeypatch.setattr(shared_server, "LONG", [each for each in shared_server.LONG if each not in others])
    monkeypatch.setattr(shared_server, "PROCESSES", 3)
    outcome = shared_server.trial(tmp_path, 2, 0)
    assert outcome.wrong == ()
    restarts = sum(count for what, count in outcome.told.items() if not what.startswith("processes "))
    assert (outcome.tried, restarts) == (2, 2)


def test_where_there_is_no_server_a_line_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_server, "missing", lambda: "no PostgreSQL here")
    assert shared_server.trial(tmp_path, 3, 0).told == {"not tried: no PostgreSQL here": 1}


def test_a_process_that_fails_or_never_sees_the_server_again_is_not_passed_over() -> None:
    away = "postgresql+psycopg://me@h/x is away since 12:00 (closed); it is asked again until 12:01\n"
    back = "postgresql+psycopg://me@h/x is back after 1.0 s\n"
    assert list(shared_server._badly_ended(0, f"[1/9] a · done · 1 s\n{away}{back}")) == []
    assert len(list(shared_server._badly_ended(0, away))) == 1
    assert len(list(shared_server._badly_ended(2, f"{away}{back}error: x"))) == 1
