"""A run that a launcher of processes has started."""

from __future__ import annotations

from pathlib import Path

import pytest

import suite
from tests.execution.test_executor import planned


def test_a_run_under_torchrun_is_refused_where_it_would_wait_for_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = planned(tmp_path / "home")
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(suite.SuiteError, match="a launcher such as torchrun has started 2 processes"):
        suite.run(made, device="cpu")
    assert not (tmp_path / "home").exists()
