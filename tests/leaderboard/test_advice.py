"""Which row to take, on a track's page: the words of `suite recommend`, and the rows that it compared."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from leaderboard import render
from leaderboard.build.advice import track_advice
from leaderboard.build.cache import CacheEntry, PageCache
from leaderboard.data.recorded_board import recorded_urls
from leaderboard.data.recorder import Reads
from leaderboard.data.recording_reader import RecordingReader
from leaderboard.view.urls import track_urls
from suite.analysis.advice import Advice, Constraints
from suite.analysis.board import boards
from suite.api.advice import recommendations
from suite.results.store import Store
from suite.stats import Estimate
from tests.leaderboard.filled import BASE, METHODS, Filling, Method, Rendered
from tests.leaderboard.reading import Element, files, read

CHEAP, FORGETS = Method(88.0, 60.0, 0.0, 4.0, 1_000), Method(99.0, 12.0, 0.9, 6.0, 1_000_000)
ALIKE, WORSE = Method(85.0, 59.0, 0.0, 9.0, 1_000), Method(70.0, 20.0, 0.9, 6.0, 1_000_000)
ROWS = {"cheap": CHEAP, "forgets": FORGETS, "alike": ALIKE, "worse": WORSE}


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("advice") / "suite.db"
    with Store.open(f"sqlite:///{file}") as store:
        filling = Filling(store, documents=150)
        filling.add("pretrained", "pretrained", BASE, (0,))
        for name, how in ROWS.items():
            filling.add(name, "lora", how, (0, 1, 2))
    return file


@pytest.fixture
def filled(database: Path, tmp_path: Path) -> Iterator[Filling]:
    """A store of one's own with four rows."""
    shutil.copy(database, tmp_path / "suite.db")
    with Store.open(f"sqlite:///{tmp_path / 'suite.db'}") as store:
        yield Filling(store, documents=150)


def advised(store: Store, track: str = "micro") -> Advice:
    (advice,) = recommendations(store, None, track, Constraints())
    return advice


def sections(store: Store, folder: Path, track: str = "micro") -> list[Element]:
    return read(render(store, folder / "site").parent / f"tracks/{track}.html").with_class("advice")


def lines(section: Element) -> dict[str, list[str]]:
    """Name -> the cells after it."""
    rows = section.all("tbody")[0].all("tr")
    return {row.all("a")[0].text: [cell.text for cell in row.all("td")] for row in rows}


def shown(estimate: Estimate) -> str:
    return f"{estimate.value:+.1f}".replace("-", "−")


def test_the_sentence_and_what_is_not_known_are_those_of_suite_recommend(filled: Filling, tmp_path: Path) -> None:
    (section,) = sections(filled.store, tmp_path)
    advice = advised(filled.store)
    assert section.all("h2")[0].text == "Which row to take"
    assert section.with_class("because")[0].text == advice.because
    assert advice.because.startswith("Take forgets: rte 9")
    assert [item.text for item in section.all("li")] == list(advice.unknown)
    assert "differences below" in advice.unknown[0]
    assert "suite recommend --track micro" in section.text


def test_the_table_has_each_row_with_its_numbers_and_its_place(filled: Filling, tmp_path: Path) -> None:
    (section,) = sections(filled.store, tmp_path)
    table = lines(section)
    by_name = {candidate.name: candidate for candidate in advised(filled.store).candidates}
    assert [*table] == ["forgets", "cheap", "alike", "worse"]
    assert {name: cells[0] for name, cells in table.items()} == {
        "forgets": "on the front", "cheap": "on the front", "alike": "tied", "worse": "dominated by cheap",
    }  # fmt: skip
    for name, (_, score, gain, change, share, time, memory, size) in table.items():
        candidate = by_name[name]
        assert candidate.gain is not None
        assert candidate.retention is not None
        assert score.startswith(f"{candidate.score.value:.1f} ")
        assert gain.startswith(f"{shown(candidate.gain.estimate)} ")
        assert change.startswith(f"{shown(candidate.retention.estimate)} ")
        assert all("over documents and seeds" in cell for cell in (score, gain, change))
        assert share == f"{candidate.retained_share:.1%}"
        assert (time, memory, size) == (f"{ROWS[name].seconds + 1:.2g} s", "412 MB", "7.37 MB")
    (mark,) = section.with_class("mark")
    assert mark.text == "advised"
    assert section.all("tbody")[0].all("tr")[0].with_class("mark") == [mark]


def test_rows_that_are_no_choice_are_named_with_the_reason(rendered: Rendered) -> None:
    (section,) = read(rendered.folder / "tracks/micro.html").with_class("advice")
    assert "lora_small_batch" not in lines(section)
    assert "lora_small_batch: not on the track's terms: budget.batch_size" in section.text
    assert "lora_half: it misses xsum 1-shot, xsum 4-shot" in section.text


def test_a_long_table_is_cut_after_the_front_and_says_how_much_is_left_out(filled: Filling, tmp_path: Path) -> None:
    for number in range(5):
        filled.add(f"worse_{number}", "lora", WORSE, (0, 1, 2))
    (section,) = sections(filled.store, tmp_path)
    assert [*lines(section)][:3] == ["forgets", "cheap", "alike"]
    assert len(lines(section)) == 6
    assert "3 more rows are in the table below." in section.text


def test_one_row_has_a_sentence_and_no_table(store: Store, tmp_path: Path) -> None:
    filling = Filling(store, documents=60)
    filling.add("pretrained", "pretrained", BASE, (0,))
    filling.add("cheap", "lora", CHEAP, (0, 1, 2))
    (section,) = sections(store, tmp_path)
    assert section.with_class("because")[0].text.endswith("It is the only complete row on the track's terms.")
    assert section.all("table") == []


def test_without_a_pretrained_row_the_section_says_what_is_missing(store: Store, tmp_path: Path) -> None:
    Filling(store, documents=12).add("lora_rte", "lora", METHODS["lora"], (0, 1, 2))
    (section,) = sections(store, tmp_path)
    assert "No row can be advised for rte: no gain over the pretrained model is known." in section.text
    assert "there is no pretrained row, so gains are not known (suite run pretrained --track micro)" in section.text


def test_a_track_without_a_trained_row_has_no_section(store: Store, tmp_path: Path) -> None:
    Filling(store, documents=4).add("pretrained", "pretrained", BASE, (0,))
    assert sections(store, tmp_path) == []


def test_a_row_without_a_score_of_the_target_gives_no_section(store: Store, tmp_path: Path) -> None:
    filling = Filling(store, documents=4, failing=frozenset({("lora_rte", 0)}))
    filling.add("pretrained", "pretrained", BASE, (0,))
    filling.add("lora_rte", "lora", METHODS["lora"], (0,))
    assert sections(store, tmp_path) == []


def cached(store: Store, site: Path) -> tuple[tuple[Advice, ...], CacheEntry, Reads]:
    """A track's advice as a render has it, and what was read for it, but for the track's own name."""
    reader = RecordingReader(store, store.experiments("micro"))
    (urls,) = track_urls(boards(store))
    with reader.recording() as reads:
        advice, entry = track_advice(reader, recorded_urls(urls, reader), PageCache.read(site))
    reads.pop("track:urls")
    return advice, entry, reads


def test_advice_is_computed_once_and_comes_back_from_the_cache_as_it_was(filled: Filling, tmp_path: Path) -> None:
    store = filled.store
    first = cached(store, tmp_path / "none")
    site = render(store, tmp_path / "site").parent
    advice, entry, reads = cached(store, site)
    assert first[2] != reads == {}
    assert (advice, entry.key) == (first[0], first[1].key)
    assert advice == (advised(store),)


@pytest.mark.parametrize(
    ("statement", "again"),
    [
        ("update answer set value = 100 - value where doc_id = 3 and step_id in {target}", True),
        ("update step set seconds = seconds * 2 where kind = 'train'", True),
        ("update experiment set spec = json_set(spec, '$.changes', json('[\"x\"]')) where name = 'cheap'", True),
        ("delete from experiment where name = 'worse'", True),
        ("update experiment set source = 'another paper'", True),
        ("update curve_point set value = value * 2", False),
    ],
)
def test_advice_is_computed_again_when_something_that_it_was_made_from_changes(
    filled: Filling, tmp_path: Path, statement: str, *, again: bool
) -> None:
    store = filled.store
    site = render(store, tmp_path / "site").parent
    target = "(select step_id from experiment_step where role = 'rte')"
    with store.engine.execution_options(write=True).begin() as connection:
        assert connection.execute(text(statement.replace("{target}", target))).rowcount
    advice, _, reads = cached(store, site)
    assert bool(reads) is again
    assert advice == (advised(store),)
    render(store, site)
    assert files(site) == files(render(store, tmp_path / "afresh").parent)
