"""The site is replaced whole or not at all, and the same store gives the same bytes."""

from __future__ import annotations

import gc
import re
import subprocess
import sys
from pathlib import Path

import pytest

from leaderboard import UnionReader, render
from leaderboard.build import writer
from leaderboard.build.site import Page
from suite.analysis.board import board
from suite.core.errors import SuiteError
from suite.results.store import Costs, Store
from tests.analysis.board.tiny_board import World, per_document
from tests.leaderboard.filled import BASE, METHODS, Filling, Rendered
from tests.leaderboard.reading import board_table, files, read


def _two_rows(store: Store, **options: object) -> Filling:
    filling = Filling(store, documents=3, **options)  # type: ignore[arg-type]
    filling.add("pretrained", "pretrained", BASE, (0,))
    filling.add("lora_rte", "lora", METHODS["lora"], (0,))
    return filling


def test_the_same_store_gives_the_same_bytes(rendered: Rendered, tmp_path: Path) -> None:
    again = render(rendered.store, tmp_path / "again").parent
    assert files(again) == files(rendered.folder)


def test_files_of_an_older_site_vanish(store: Store, tmp_path: Path) -> None:
    _two_rows(store)
    index = render(store, tmp_path / "site")
    (index.parent / "experiments" / "old.html").write_text("old")
    assert render(store, tmp_path / "site") == index
    assert not (index.parent / "experiments" / "old.html").exists()
    assert sorted(item.name for item in tmp_path.iterdir() if not item.name.startswith("suite.db")) == ["site"]


def test_a_crash_in_the_middle_leaves_the_old_site(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filling = _two_rows(store)
    site = render(store, tmp_path / "site").parent
    before = files(site)
    filling.add("later", "lora", METHODS["lora"], (0,))
    real = writer._page

    def breaks(environment: object, page: Page) -> str:
        if "later" in page.path:
            raise MemoryError
        return real(environment, page)  # type: ignore[arg-type]

    monkeypatch.setattr(writer, "_page", breaks)
    usual = gc.get_threshold()
    with pytest.raises(MemoryError):
        render(store, tmp_path / "site")
    assert files(site) == before
    assert gc.get_threshold() == usual
    assert sorted(item.name for item in tmp_path.iterdir() if not item.name.startswith("suite.db")) == ["site"]


def test_a_failed_swap_puts_the_old_site_back(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _two_rows(store)
    site = render(store, tmp_path / "site").parent
    before = files(site)
    real = writer.os.rename

    def refuses(source: Path, target: Path) -> None:
        if Path(target) == site and not source.name.endswith("-old"):
            raise PermissionError("no")
        real(source, target)

    monkeypatch.setattr(writer.os, "rename", refuses)
    monkeypatch.setattr(writer.time, "sleep", lambda _: None)
    with pytest.raises(PermissionError):
        render(store, tmp_path / "site")
    assert files(site) == before


def test_a_folder_of_something_else_is_never_replaced(store: Store, tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.tex").write_text("years of work")
    with pytest.raises(SuiteError, match="did not make"):
        render(store, tmp_path / "thesis")
    with pytest.raises(SuiteError, match="is a file"):
        render(store, tmp_path / "thesis" / "chapter.tex")
    assert (tmp_path / "thesis" / "chapter.tex").read_text() == "years of work"


def test_an_empty_store_gives_a_page_that_says_so(store: Store, tmp_path: Path) -> None:
    assert "No experiment is stored yet" in read(render(store, tmp_path / "site")).text


def test_published_records_stand_beside_local_rows_and_local_ones_win(store: Store, tmp_path: Path) -> None:
    _two_rows(store)
    with Store.open("sqlite://") as published:
        others = _two_rows(published, imported=True, reason="elsewhere", failing=frozenset({("lora_rte", 0)}))
        others.add("finetune_rte", "finetune", METHODS["finetune"], (0, 1))
        index = render(UnionReader(store, published), tmp_path / "site")
    page = read(index.parent / "tracks/micro.html")
    rows = {row.all("th")[0].all("a")[0].text: row.text for row in board_table(page).all("tbody")[0].all("tr")}
    assert set(rows) == {"pretrained", "lora_rte", "finetune_rte"}
    assert [name for name, text in rows.items() if "imported" in text] == ["finetune_rte"]
    assert "incomplete" not in rows["lora_rte"]
    assert "published:" not in "".join(file.read_text(encoding="utf-8") for file in index.parent.rglob("*.html"))


def test_after_a_new_experiment_only_what_it_changes_is_written(store: Store, tmp_path: Path) -> None:
    filling = _two_rows(store)
    site = render(store, tmp_path / "site").parent
    before = {path: (site / path).stat().st_ino for path in files(site)}
    filling.add("later", "lora", METHODS["lora"], (0,))
    render(store, tmp_path / "site")
    kept = {path for path, number in before.items() if (site / path).stat().st_ino == number}
    changed = {path for path in before if path not in kept}
    tracks = {path for path in changed if path.startswith(("tasks/", "data/", "tracks/", "methods/", "pairs/"))}
    assert changed - tracks >= {"index.html", "rows.js", "about.html", "methods.html", ".suite-cache.json"}
    assert not {"claims.html", "compare.html", "answers.html"} & changed
    assert {path for path in kept if path.startswith("answers/")} == {p for p in before if p.startswith("answers/")}


def test_where_files_cannot_be_linked_they_are_written(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(*_: object) -> None:
        raise PermissionError("no links here")

    _two_rows(store)
    before = files(render(store, tmp_path / "site").parent)
    monkeypatch.setattr(writer.os, "link", refuses)
    assert files(render(store, tmp_path / "site").parent) == before


def test_nothing_is_loaded_from_elsewhere(rendered: Rendered) -> None:
    for file in rendered.folder.rglob("*"):
        if file.suffix in (".html", ".css") or (file.suffix == ".js" and file.parent.name == "static"):
            text = file.read_text(encoding="utf-8")
            assert not re.search(
                r"(src|href)=[\"']?(https?:)?//|url\(|@import|fetch\(|XMLHttpRequest|eval\(|innerHTML", text
            ), file


def test_rendering_loads_neither_torch_nor_lm_eval() -> None:
    code = (
        "import sys, leaderboard; sys.exit(any(name in sys.modules for name in ('torch', 'lm_eval', 'transformers')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_published_rows_are_compared_as_they_were_where_they_come_from() -> None:
    with Store.open("sqlite://") as there, Store.open("sqlite://") as here:
        world = World(there, held_out=("qa",))
        world.experiment("pretrained", {("qa", 1): per_document(100.0, 0.0, 0.0, 0.0)}, targets=())
        train = [world.train("lora", 0, Costs())]
        answers = {("rte", 0): per_document(100.0), ("qa", 1): per_document(100.0, 100.0, 0.0, 0.0)}
        world.experiment("lora_rte", answers, train=train)
        (own,), (joined,) = ([row for row in board(store, "tiny").rows if row.method == "lora"]
                             for store in (there, UnionReader(here, there)))  # fmt: skip
    assert own.against == joined.against
    assert own.against[1] is not None
    assert (own.rank, own.format_ratio) == (joined.rank, joined.format_ratio)
