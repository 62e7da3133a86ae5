"""Pages say how sure a rank is, the minimum detectable effect of a change, and variance components."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

from sqlalchemy import text

from leaderboard import render
from leaderboard.charts.ranking import rank_chart
from leaderboard.view.badges import in_common, tied_with_best
from leaderboard.view.numbers import probability
from suite.analysis.board import Row, board
from suite.results.store import Store
from tests.leaderboard.filled import BASE, LEARNABLE, METHODS, Filling, Method, Rendered
from tests.leaderboard.reading import Element, board_table, charts, experiment_page, read


def _made(rendered: Rendered) -> dict[str, Row]:
    return {row.name: row for row in board(rendered.store, "micro").rows}


def _row(rendered: Rendered, name: str) -> Element:
    table = board_table(read(rendered.folder / "tracks/micro.html"))
    return next(row for row in table.all("tr") if row.all("a") and row.all("a")[0].text == name)


def test_a_rank_is_shown_as_its_interval(rendered: Rendered) -> None:
    for name in ("promot_rte", "finetune_rte"):
        rank, cell = _made(rendered)[name].rank, _row(rendered, name).all("td")[0]
        assert rank is not None
        assert cell.text == (f"{rank.low}–{rank.high}" if rank.low < rank.high else str(rank.low))
        assert cell.attributes["title"].startswith(f"rank {rank.place} of 2 by what is kept at 4 shots")


def test_a_row_that_no_other_is_shown_to_beat_says_so(store: Store) -> None:
    filling = Filling(store, documents=6, target_documents=LEARNABLE)
    filling.add("pretrained", "pretrained", BASE, (0,))
    for name, kept in (("first", 50.0), ("second", 49.0), ("last", 2.0)):
        filling.add(name, "lora", Method(95.0, kept, 0.1, 5.0, 9), (0, 1, 2))
    marks = {row.name: [note.text for note in tied_with_best(row)] for row in board(store, "micro").rows}
    assert marks == {"pretrained": [], "first": [], "second": ["tied with the best"], "last": []}


def test_a_change_has_its_corrected_p_and_its_minimum_detectable_effect(rendered: Rendered) -> None:
    made, cell = _made(rendered)["finetune_rte"], _row(rendered, "finetune_rte").all("td")[3]
    against, p = made.against[4], made.corrected[4]
    assert against is not None
    assert p is not None
    assert cell.text.startswith("▼ −")
    assert f"; {probability(p)}, Holm-corrected;" in cell.attributes["title"]
    assert f"minimum detectable effect: {against.resolvable:.1f}" in cell.attributes["title"]


def test_a_p_has_the_digits_that_matter() -> None:
    assert [probability(p) for p in (0.0, 0.0421, 0.3, 1.0)] == ["p < 0.001", "p 0.042", "p 0.30", "p 1.00"]


def test_the_rank_chart_has_a_line_for_each_ranked_row_and_the_same_as_a_table(rendered: Rendered) -> None:
    figure = read(rendered.folder / "tracks/micro.html").with_class("ranking")[0]
    names = [row.all("th")[0].text for row in figure.all("tbody")[0].all("tr")]
    assert names == ["promot_rte", "finetune_rte"]
    drawn = charts(figure, "ranks")[0]
    assert [row["name"] for row in drawn["rows"]] == names
    ranks = [_made(rendered)[name].rank for name in names]
    assert [[row["low"], row["place"], row["high"]] for row in drawn["rows"]] == [
        [rank.low, rank.place, rank.high] for rank in ranks if rank
    ]
    assert drawn["last"] == 2


def test_there_is_no_rank_chart_where_nothing_is_ranked_against_another(store: Store) -> None:
    Filling(store, documents=2).add("lora_rte", "lora", METHODS["lora"], (0,))
    rows = board(store, "micro").rows
    assert rank_chart([(row, "", 0) for row in rows]) is None


def test_an_experiment_names_what_its_average_varies_with(rendered: Rendered) -> None:
    table = read(experiment_page(rendered.folder, "promot_rte")).with_class("varies")[0]
    assert [cell.text for cell in table.all("th")[1:4]] == ["Documents", "Seeds", "Exemplar draws"]
    variation = _made(rendered)["promot_rte"].variation[4]
    assert variation is not None
    cells = table.all("tbody")[0].all("tr")[1].all("td")
    assert cells[0].text == f"{variation.documents:.2f}"
    assert "held_out.draw" in cells[2].text


def test_downloads_have_ranks_and_tests(rendered: Rendered) -> None:
    made = _made(rendered)["promot_rte"]
    assert made.rank is not None
    folder: Path = rendered.folder / "data"
    listed = csv.DictReader(io.StringIO((folder / "micro.csv").read_text(encoding="utf-8")))
    line = next(line for line in listed if line["name"] == "promot_rte")
    assert [line["rank"], line["rank.low"], line["rank.high"]] == [
        str(each) for each in (made.rank.place, made.rank.low, made.rank.high)
    ]
    assert line["change.4.p_corrected"] == repr(made.corrected[4])
    told = json.loads((folder / "micro.json").read_text(encoding="utf-8"))["rows"]
    assert (line["standing"], line["gain_share"]) == ("learned", repr(made.learning.share if made.learning else None))
    gained = made.gained["rte"]
    assert gained is not None
    assert line["gained.rte"] == repr(gained.value)
    assert next(row["gained"] for row in told if row["name"] == "promot_rte")["rte"]["value"] == gained.value
    rank = next(row["rank"] for row in told if row["name"] == "promot_rte")
    assert rank == {"place": made.rank.place, "low": made.rank.low, "high": made.rank.high, "of": 2}


def test_a_row_at_chance_on_held_out_tasks_says_on_how_many(rendered: Rendered) -> None:
    made = _made(rendered)["finetune_rte"]
    low = [cell for cell in made.held_out if cell.at_chance]
    assert low
    mark = next(each for each in _row(rendered, "finetune_rte").with_class("mark") if "chance" in each.text)
    assert mark.text == f"≤ chance on {len(low)} of {len(made.held_out)} held-out scores"
    assert low[0].role in mark.attributes["title"]


def test_what_all_rows_of_a_table_share_is_said_once(store: Store, tmp_path: Path) -> None:
    filling = Filling(store, documents=2, imported=True)
    for name in ("first", "second"):
        filling.add(name, "lora", METHODS["lora"], (0,), changes={"batch_size": 8})
    page = read(render(store, tmp_path / "site").parent / "tracks/micro.html")
    told = [mark.text for mark in page.with_class("common")[0].with_class("mark")]
    assert {"imported", "not on the track's terms: budget.batch_size"} <= set(told)
    texts = [mark.text for mark in board_table(page).with_class("mark")]
    assert not set(told) & set(texts)
    assert in_common([()]) == ()


def test_a_percent_sign_stays_with_its_number(rendered: Rendered) -> None:
    page = read(rendered.folder / "tracks/micro.html")
    titles = [each.attributes["title"] for each in page.all() if "title" in each.attributes]
    assert "95 %" not in page.text + "".join(titles)
    assert "95\u00a0%" in page.text
    assert any("95\u00a0%" in title for title in titles)


def test_the_control_has_no_change_in_downloads_as_on_its_page(rendered: Rendered) -> None:
    folder: Path = rendered.folder / "data"
    listed = csv.DictReader(io.StringIO((folder / "micro.csv").read_text(encoding="utf-8")))
    line = next(line for line in listed if line["method"] == "pretrained")
    changes = {name: value for name, value in line.items() if name.startswith("change.")}
    assert len(changes) == 2 * 6
    assert set(changes.values()) == {""}
    told = json.loads((folder / "micro.json").read_text(encoding="utf-8"))["rows"]
    assert next(row["change"] for row in told if row["method"] == "pretrained") == {"1": None, "4": None}
    assert _made(rendered)["pretrained"].change == {1: None, 4: None}


def test_rows_of_a_gpu_and_of_a_cpu_are_marked_and_their_provenance_names_the_devices(
    store: Store, tmp_path: Path
) -> None:
    filling = Filling(store, documents=2)
    for name in ("first", "second"):
        filling.add(name, "lora", METHODS["lora"], (0,))
    update = "UPDATE step SET device = 'cuda:1', device_name = 'NVIDIA H200', precision = 'bf16', threads = 8 "
    with store.engine.begin() as connection:
        connection.execute(text(f"{update} WHERE title LIKE '%second%'"))
    site = render(store, tmp_path / "site").parent
    rows = {
        row.all("a")[0].text: [mark.text for mark in row.with_class("mark")]
        for row in board_table(read(site / "tracks/micro.html")).all("tr")
        if row.all("a")
    }
    assert "on cpu" in rows["first"]
    assert any(mark.startswith("on ") and "NVIDIA H200" in mark for mark in rows["second"])
    (page,) = (file for file in site.rglob("*.html") if "second" in file.name and "experiment" in str(file))
    assert "NVIDIA H200, bf16, 8 threads; python 3.11.7" in read(page).with_class("versions")[0].text
