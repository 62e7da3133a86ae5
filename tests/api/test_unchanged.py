"""A site is rendered again exactly when something that it was made from has changed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

import suite
from suite.core import user_cache
from suite.results.store import Store
from tests.leaderboard.filled import METHODS, Filling


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home with a site, without published records."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("suite.api.site.published", lambda: None)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "home").mkdir()
    with Store.open(tmp_path / "home" / "suite.db") as store:
        Filling(store, documents=4).add("lora_rte", "lora", METHODS["lora"], (0,))
        suite.render(tmp_path / "home")
        yield tmp_path / "home"


def rendered_again(home: Path) -> bool:
    """Whether rendering replaces the site's folder; its files are those of a first rendering then and otherwise."""
    before = (home / "site").stat().st_ino
    suite.render(home)
    new = suite.render(home, out=home / "new")
    assert contents(home / "site") == contents(new.parent)
    return (home / "site").stat().st_ino != before


def contents(site: Path) -> dict[str, bytes]:
    files = (file for file in site.rglob("*") if file.is_file())
    return {str(file.relative_to(site)): file.read_bytes() for file in files}


def test_a_site_of_the_same_store_stays(home: Path) -> None:
    assert not rendered_again(home)


def test_a_new_experiment_is_rendered(home: Path) -> None:
    with Store.open(home / "suite.db") as store:
        Filling(store, documents=4).add("finetune_rte", "finetune", METHODS["finetune"], (0,))
    assert rendered_again(home)
    assert not rendered_again(home)


def test_a_page_that_was_changed_or_removed_is_made_again(home: Path) -> None:
    (home / "site" / "about.html").write_text("another text")
    assert rendered_again(home)
    (home / "site" / "index.html").unlink()
    assert rendered_again(home)


def test_a_new_file_of_claims_is_judged(home: Path) -> None:
    (home.parent / "claims").mkdir()
    (home.parent / "claims" / "mine.yaml").write_text("track: none\nclaims: []\n")
    assert rendered_again(home)


def test_files_that_name_others_elsewhere_are_always_read(home: Path) -> None:
    (home.parent / "tasks").mkdir()
    (home.parent / "tasks" / "mine.yaml").write_text("include: ../other/base.yaml\n")
    assert rendered_again(home)
    assert rendered_again(home)


def test_a_cache_that_cannot_be_written_costs_only_time(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home.parent / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(home.parent / "file"))
    assert rendered_again(home)


def test_the_oldest_values_of_a_cache_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(user_cache, "MOST_FILES", 2)
    for number, name in enumerate(("one", "two", "three")):
        user_cache.keep("kind", name, name.encode())
        os.utime(tmp_path / "finetune-suite" / "kind" / name, (number, number))
    user_cache.keep("kind", "four", b"four")
    assert [user_cache.cached("kind", name) for name in ("one", "two", "three", "four")] == [
        None,
        None,
        b"three",
        b"four",
    ]


def test_a_damaged_value_of_a_cache_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    user_cache.keep("kind", "one", b"value")
    file = tmp_path / "finetune-suite" / "kind" / "one"
    file.write_bytes(file.read_bytes()[:-1])
    assert user_cache.cached("kind", "one") is None
