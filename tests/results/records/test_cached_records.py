"""Records are read and checked once; afterwards their store comes from the user's cache."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from suite.core.errors import SuiteError
from suite.results.records import export_records, read_records_into_memory, reading
from suite.results.store.contents import SUPPORTED
from tests.analysis.board.tiny_board import World
from tests.results.records.test_records import altered, contents

pytestmark = pytest.mark.skipif(not SUPPORTED, reason="needs Python 3.11: sqlite3's deserialize")


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Path]:
    """The records that were read."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    files: list[Path] = []

    def noted(where: str, *given: Any, whole: Callable[..., Any] = reading.checked_record) -> Any:
        files.append(Path(where))
        return whole(where, *given)

    monkeypatch.setattr(reading, "checked_record", noted)
    return files


def undated(found: list[Any]) -> str:
    """All but when the experiments were imported."""
    return re.sub(r"created='[^']*'", "", "\n".join(map(repr, found)))


def test_records_are_read_once_and_give_the_same_store(world: World, tmp_path: Path, read: list[Path]) -> None:
    export_records(world.store, tmp_path / "out", report=lambda line: None)
    with read_records_into_memory(tmp_path / "out") as store:
        first, steps = contents(store), store.count_steps()
    assert len(read) == 2
    with read_records_into_memory(tmp_path / "out") as store:
        assert undated(contents(store)) == undated(first)
        assert store.count_steps() == steps
        created = [experiment.created for experiment in store.experiments()]
    assert len(read) == 2
    assert created == sorted(created)


@pytest.mark.parametrize("bundle", [False, True])
def test_records_that_came_with_suite_are_put_in_at_once_as_they_would_be_imported(
    world: World, tmp_path: Path, read: list[Path], bundle: bool
) -> None:
    export_records(world.store, tmp_path / "out", bundle=bundle, report=lambda line: None)
    with read_records_into_memory(tmp_path / "out") as store:
        imported = undated(contents(store))
    assert len(read) == 2
    with read_records_into_memory(tmp_path / "out", trusted=True) as store:
        assert undated(contents(store)) == imported
        assert all(experiment.imported for experiment in store.experiments())
    assert len(read) == 2  # none was checked again


def test_a_record_that_changed_is_checked_again(file: Path, read: list[Path]) -> None:
    with read_records_into_memory(file):
        pass
    altered(file, lambda record: record["experiment"].update(name="other"), sign=False)
    with pytest.raises(SuiteError, match="hash"), read_records_into_memory(file):
        pass
    with pytest.raises(SuiteError, match="hash"), read_records_into_memory(file):  # what was refused is not cached
        pass


def test_a_damaged_cache_is_made_anew(file: Path, read: list[Path], tmp_path: Path) -> None:
    with read_records_into_memory(file) as store:
        first = contents(store)
    (cached,) = (tmp_path / "cache").rglob("records/*")
    cached.write_bytes(cached.read_bytes()[:1000])
    with read_records_into_memory(file) as store:
        assert undated(contents(store)) == undated(first)
    assert len(read) == 2
