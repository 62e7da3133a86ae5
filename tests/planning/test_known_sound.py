"""Rows that were checked without a problem are not checked again; changed rows are."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import suite
from suite.planning import checks
from suite.tasks.data import BUNDLED

SPECS = Path(__file__).parents[2] / "specs"


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """The tasks whose rows were compared with training rows."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    names: list[str] = []

    def noted(task: Any, *arguments: Any, whole: Callable[..., Any] = checks.check_leaks) -> Any:
        names.append(task.name)
        return whole(task, *arguments)

    monkeypatch.setattr(checks, "check_leaks", noted)
    return names


def planned(tmp_path: Path, data: Path | None = None, **overrides: Any) -> suite.PlannedRun:
    overrides = {"held_out.roles": ["cb"], **overrides}
    spec = suite.load_spec(SPECS / "lora_rte.yaml", track="micro", overrides=overrides)
    return suite.plan(spec, home=tmp_path / "home", data=data, baseline=False)


def test_equal_rows_are_checked_once_with_the_same_notes_and_steps(checked: list[str], tmp_path: Path) -> None:
    first = planned(tmp_path)
    assert checked == ["micro_rte", "micro_cb"]
    again = planned(tmp_path)
    assert checked == ["micro_rte", "micro_cb"]
    assert (again.notes, again.steps()) == (first.notes, first.steps())


def test_other_settings_of_the_track_are_checked(checked: list[str], tmp_path: Path) -> None:
    planned(tmp_path)
    planned(tmp_path, **{"held_out.draw": 1})
    assert len(checked) == 4


def test_a_leak_in_changed_rows_is_found(checked: list[str], tmp_path: Path) -> None:
    data = tmp_path / "data"
    shutil.copytree(BUNDLED[0] / "micro_rte", data / "micro_rte")
    planned(tmp_path, data)
    leaked = (data / "micro_rte" / "train.jsonl").read_text().splitlines()[0]
    test = data / "micro_rte" / "test.jsonl"
    test.write_text(test.read_text() + leaked + "\n")
    for _ in range(2):  # what was refused is checked again
        with pytest.raises(suite.SuiteError, match="that 'rte' trains on"):
            planned(tmp_path, data)
