"""A PostgreSQL server restarted in a run, a few times."""

from pathlib import Path

import pytest

from benchmarks.faults import postgres
from benchmarks.faults._server import missing


@pytest.mark.slow
@pytest.mark.skipif(missing() is not None, reason=str(missing()))
def test_a_server_that_is_restarted_in_a_run_changes_nothing_of_what_is_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = [each for each in postgres.RUN if each not in ("specs/lora_rte.yaml", "specs/prompt_tuning_rte.yaml")]
    monkeypatch.setattr(postgres, "RUN", one)
    outcome = postgres.trial(tmp_path, 3, 0)
    assert outcome.wrong == ()
    assert outcome.tried == sum(outcome.told.values()) == 5


def test_where_there_is_no_server_a_line_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "missing", lambda: "no PostgreSQL here")
    assert postgres.trial(tmp_path, 3, 0).told == {"not tried: no PostgreSQL here": 1}
