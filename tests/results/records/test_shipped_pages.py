"""Pages about shipped records are made once: the sites of other folders of runs have them from the user's cache."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import suite
from leaderboard.build import board_cache, site
from suite.core import user_cache
from suite.results.records import export_records
from suite.results.store import Store
from tests.analysis.board.tiny_board import World
from tests.api.test_unchanged import contents
from tests.leaderboard.filled import METHODS, Filling


@pytest.fixture
def shipped(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of records that stands for the one that comes with suite."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    export_records(world.store, tmp_path / "shipped", report=lambda line: None)
    monkeypatch.setattr("suite.api.site.published", lambda: tmp_path / "shipped")
    return tmp_path / "shipped"


def refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing make a board, a row's page or a verdict."""

    def made(*_: Any, **__: Any) -> None:
        raise AssertionError("is made again")

    monkeypatch.setattr(board_cache, "board", made)
    monkeypatch.setattr(site, "experiment_view", made)
    monkeypatch.setattr(site, "row_files", made)
    monkeypatch.setattr("suite.api.claims.judge", made)


def test_another_folder_of_runs_has_the_same_pages(shipped: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = suite.render("one").parent
    with monkeypatch.context() as patched:
        refuse(patched)
        second = suite.render("two").parent
    assert contents(first) == contents(second)
    assert any("prompt_rte" in path for path in contents(second))
    user_cache_files = [file for file in user_cache.cache_folder().rglob("*") if file.is_file()]
    for file in user_cache_files:
        file.write_bytes(b"damaged")
    assert contents(suite.render("three").parent) == contents(first)


def test_other_records_give_other_pages(shipped: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    suite.render("one")
    next(file for file in shipped.rglob("prompt_rte*") if file.is_file()).unlink()
    refuse(monkeypatch)
    with pytest.raises(AssertionError, match="is made again"):
        suite.render("two")


def test_runs_of_ones_own_are_never_kept_there(shipped: Path, tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    with Store.open(tmp_path / "own" / "suite.db") as store:
        Filling(store, documents=4, track="mine").add("secret_row", "lora", METHODS["lora"], (0,))
    suite.render("own")
    kept = [file for file in (user_cache.cache_folder() / "pages").iterdir() if b"secret_row" in file.read_bytes()]
    assert not kept
