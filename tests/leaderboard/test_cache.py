"""A second render reads and writes what changed, and is byte for byte what a first one would be."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from leaderboard import UnionReader, render
from leaderboard.build import cache, writer
from leaderboard.build import site as site_files
from leaderboard.build.cache import Written
from leaderboard.data.js_data import File
from leaderboard.pages.experiment import ExperimentPage
from leaderboard.view.urls import TrackUrls
from suite.analysis.board import Row, board
from suite.results.store import ResultsReader, Store
from tests.leaderboard.filled import METHODS, Filling
from tests.leaderboard.reading import files

GOLD = '{"misses": [{"documents": [1], "tried": 6, "metric": "accuracy"}]}'


@pytest.fixture
def filled(store: Store) -> Store:
    filling = Filling(store, documents=6)
    for name in ("lora", "finetune"):
        filling.add(f"{name}_rte", name, METHODS[name], (0, 1))
    Filling(store, track="other", documents=6).add("lora_rte", "lora", METHODS["lora"], (0,))
    return store


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The steps whose answers are read."""
    steps: list[str] = []

    def noted(store: Store, ids: Sequence[str], whole: Callable[..., Any] = Store.answer_columns) -> Any:
        steps.extend(ids)
        return whole(store, ids)

    monkeypatch.setattr(Store, "answer_columns", noted)
    return steps


def altered(store: Store, statement: str) -> None:
    with store.engine.execution_options(write=True).begin() as connection:
        assert connection.execute(text(statement)).rowcount


def afresh(store: Store, site: Path) -> dict[str, bytes]:
    return files(render(store, site.with_name("afresh")).parent)


def test_what_did_not_change_is_neither_read_nor_written(filled: Store, tmp_path: Path, read: list[str]) -> None:
    site = render(filled, tmp_path / "site").parent
    before = files(site), {path: (site / path).stat().st_ino for path in files(site)}
    assert read
    read.clear()
    render(filled, site)
    assert read == []
    assert (files(site), {path: (site / path).stat().st_ino for path in files(site)}) == before
    assert afresh(filled, site) == before[0]


@pytest.mark.parametrize(
    "statement",
    [
        "update answer set value = 100 - value where doc_id = 3 and step_id in {one}",
        "update answer set output = upper(output) where step_id in {one}",
        "update score set value = 12.5 where metric like '%_norm' and step_id in {one}",
        "update step set finished = '2031-01-01 00:00:00' where id in {one}",
        "update step set device = 'abacus' where kind = 'train' and title like '%lora%'",
        "update experiment set source = 'another paper' where name = 'lora_rte'",
        "delete from experiment where name = 'finetune_rte' and seed = 1",
        "update curve_point set value = value * 2 where step_id in {trained}",
        "update artifact set parameters = parameters + 1 where step_id in {trained}",
        "update step set seconds = seconds * 2 where id in {trained}",
        "insert into finding (step_id, name, content) select id, 'gold', '{gold}' from step where id in {one}",
        "delete from experiment_step where role = 'cb' and shots = 1",
        "update experiment set spec = json_set(spec, '$.about', 'told anew') where name = 'lora_rte'",
        "update answer set unparsable = 1 - unparsable where step_id in {one}",
    ],
)
def test_whatever_changes_in_the_store_changes_its_pages(
    filled: Store, tmp_path: Path, read: list[str], statement: str
) -> None:
    site = render(filled, tmp_path / "site").parent
    before, everything = files(site), len(read)
    one = "(select step_id from experiment_step where role = 'cb' and shots = 1 limit 1)"
    trained = "(select step_id from experiment_step where part = 'train' limit 1)"
    altered(filled, statement.replace("{one}", one).replace("{trained}", trained).replace("{gold}", GOLD))
    read.clear()
    render(filled, site)
    assert len(read) < everything
    assert files(site) != before
    assert files(site) == afresh(filled, site)


def with_source(view: Callable[..., ExperimentPage]) -> Callable[..., ExperimentPage]:
    """A page's view that reads more than it did: the source of another row."""
    return lambda urls, *rest: replace(view(urls, *rest), origin=urls.board.rows[-1].source)


def test_a_page_that_reads_a_new_field_of_another_row_is_made_anew_when_it_changes(
    filled: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(site_files, "experiment_view", with_source(site_files.experiment_view))
    site = render(filled, tmp_path / "site").parent
    last = board(filled, "micro").rows[-1]
    altered(filled, f"update experiment set source = 'another paper' where name = '{last.name}'")
    render(filled, site)
    pages = [file for file in (site / "experiments" / "micro").iterdir() if not file.name.startswith(last.name)]
    assert pages
    assert all("another paper" in file.read_text("utf-8") for file in pages)
    assert files(site) == afresh(filled, site)


def test_data_that_read_a_new_field_of_their_row_are_made_anew_when_it_changes(
    filled: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def with_source(store: ResultsReader, urls: TrackUrls, row: Row, *rest: Any) -> Iterator[File | Written]:
        for item in row_files(store, urls, row, *rest):
            is_own = isinstance(item, File) and item.path == urls.scores(row)
            yield replace(item, text=f"{item.text}// {row.source}\n") if is_own else item

    row_files = site_files.row_files
    monkeypatch.setattr(site_files, "row_files", with_source)
    site = render(filled, tmp_path / "site").parent
    altered(filled, "update experiment set source = 'another paper' where name = 'lora_rte' and track = 'micro'")
    render(filled, site)
    changed = [file.name for file in (site / "rows" / "micro").iterdir() if "another paper" in file.read_text("utf-8")]
    assert [name.startswith("lora_rte") for name in changed] == [True]
    assert files(site) == afresh(filled, site)


def test_records_that_change_change_their_pages(store: Store, tmp_path: Path) -> None:
    def rendered(documents: int, site: str) -> dict[str, bytes]:
        with Store.open("sqlite://") as published:
            records = Filling(published, documents=documents, imported=True)
            records.add("lora_rte", "lora", METHODS["lora"], (0,))
            return files(render(UnionReader(store, published), tmp_path / site).parent)

    Filling(store, documents=3).add("finetune_rte", "finetune", METHODS["finetune"], (0,))
    before = rendered(3, "site")
    assert rendered(3, "site") == before
    assert rendered(4, "site") == rendered(4, "afresh") != before


def test_a_new_row_is_added_to_pages_of_tasks_that_are_not_read_again(
    filled: Store, tmp_path: Path, read: list[str]
) -> None:
    site = render(filled, tmp_path / "site").parent
    Filling(filled, documents=6).add("promot_rte", "promot", METHODS["promot"], (0,))
    before = len(read)
    render(filled, site)
    assert len(read) - before == 17  # the new row's, and no other's
    assert files(site) == afresh(filled, site)


def test_other_code_makes_all_pages_anew(
    filled: Store, tmp_path: Path, read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    site = render(filled, tmp_path / "site").parent
    everything = list(read)
    read.clear()
    monkeypatch.setattr(cache, "code_fingerprint", lambda: "other")
    render(filled, site)
    assert read == everything


def test_the_code_is_every_source_and_template(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    told = "\n".join(cache._sources(resources.files("leaderboard"), "leaderboard"))
    package = Path(str(resources.files("leaderboard")))
    sources = [file for file in package.rglob("*") if file.suffix in (".py", ".j2")]
    assert {file.suffix for file in sources} == {".py", ".j2"}
    for file in sources:
        assert f"leaderboard/{file.relative_to(package).as_posix()} " in told
    (tmp_path / "a.html.j2").write_text("one")
    first = cache._sources(tmp_path, "x")
    (tmp_path / "a.html.j2").write_text("two")
    assert cache._sources(tmp_path, "x") != first


def test_a_file_that_is_gone_or_cut_is_made_again(filled: Store, tmp_path: Path) -> None:
    site = render(filled, tmp_path / "site").parent
    before = files(site)
    chunks = sorted(path for path in before if path.startswith("answers/"))
    (site / chunks[0]).unlink()
    (site / chunks[1]).write_text("cut")
    (site / sorted(path for path in before if path.startswith("tasks/"))[0]).unlink()
    render(filled, site)
    assert files(site) == before


@pytest.mark.parametrize("content", ["", "[]", '{"a": 1}', "{"])
def test_a_list_that_is_none_is_no_reason_to_fail(filled: Store, tmp_path: Path, content: str) -> None:
    site = render(filled, tmp_path / "site").parent
    before = files(site)
    (site / cache.LIST).write_text(content)
    render(filled, site)
    assert files(site) == before


def test_a_render_that_breaks_off_leaves_the_old_site(
    filled: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = render(filled, tmp_path / "site").parent
    before = files(site)
    altered(filled, "update answer set value = 0 where doc_id = 1 and value is not null")
    put, count = writer._put, [0]

    def breaks(*given: Any) -> None:
        count[0] += 1
        if count[0] == 30:
            raise KeyboardInterrupt
        put(*given)

    monkeypatch.setattr(writer, "_put", breaks)
    with pytest.raises(KeyboardInterrupt):
        render(filled, site)
    assert files(site) == before
    monkeypatch.setattr(writer, "_put", put)
    render(filled, site)
    assert files(site) == afresh(filled, site)


def test_another_tokenizer_that_is_installed_makes_another_key(monkeypatch: pytest.MonkeyPatch) -> None:
    cache.code_fingerprint.cache_clear()
    before = cache.code_fingerprint()
    monkeypatch.setattr(cache, "SPLITTING", (*cache.SPLITTING, "json"))  # a module that is there
    cache.code_fingerprint.cache_clear()
    assert cache.code_fingerprint() != before
    monkeypatch.undo()
    cache.code_fingerprint.cache_clear()
    assert cache.code_fingerprint() == before
