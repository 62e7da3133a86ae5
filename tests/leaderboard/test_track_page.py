"""A track's page says what the board says, and what is missing."""

from __future__ import annotations

import csv
import io
import json
import math
from pathlib import Path

import pytest

from leaderboard import render
from leaderboard.pages import track
from leaderboard.view.text import breakable
from leaderboard.view.urls import track_urls
from suite.analysis.board import board
from suite.results.store import Store
from suite.stats import Estimate
from tests.leaderboard.filled import BASE, Filling, Rendered
from tests.leaderboard.reading import Element, board_table, charts, experiment_page, loaded, read


def _rows(rendered: Rendered) -> dict[str, Element]:
    table = board_table(read(rendered.folder / "tracks/micro.html"))
    body = table.all("tbody")[0]
    return {row.all("th")[0].all("a")[0].text: row for row in body.all("tr")}


def _numbers(row: Element) -> list[str]:
    return [cell.attributes["data-sort"] for cell in row.all("td")]


def _exact(estimate: Estimate | None) -> str:
    return "" if estimate is None else repr(estimate.value)


def test_every_score_on_the_page_is_the_boards(rendered: Rendered) -> None:
    shown = _rows(rendered)
    made = board(rendered.store, "micro")
    assert [row.name for row in made.rows] == list(shown)
    for row in made.rows:
        cells = {(cell.role, cell.shots): cell for cell in row.held_out}
        values = _numbers(shown[row.name])[1:]
        gain = row.gained["rte"]
        assert values[0] == _exact(gain.estimate if gain else None)
        assert values[1:3] == [_exact(row.change[shots]) for shots in made.shots]
        assert values[3] == _exact(row.format_ratio)
        assert values[8:] == [_exact(cells[role, shots].score) for role in made.roles for shots in made.shots]


def test_shown_text_is_the_rounded_value_with_its_interval_and_what_it_is_over(rendered: Rendered) -> None:
    made = next(row for row in board(rendered.store, "micro").rows if row.name == "promot_rte")
    change, average = made.change[4], made.norm_avg[4]
    assert change is not None
    assert average is not None
    text = _rows(rendered)["promot_rte"].all("td")[3].text
    assert text.startswith(f"≈ {change.value:+.1f} {margin(change)}".replace("-", "−"))
    assert "over documents and seeds" in text
    assert f"average {average.value:.1f}" in text
    assert "average 56.2 ±" in _rows(rendered)["pretrained"].all("td")[3].text


def margin(score: Estimate) -> str:
    """± where the sides are about alike, else both ends."""
    assert score.low is not None
    assert score.high is not None
    down, up = score.value - score.low, score.high - score.value
    wider, other = max(down, up), min(down, up)
    return f"±{wider:.1f}" if other >= 0.9 * wider else f"[{score.low:.1f}, {score.high:.1f}]"


def test_gained_is_a_change_with_the_score_beside_it_and_the_pretrained_model_has_none(rendered: Rendered) -> None:
    made = {row.name: row for row in board(rendered.store, "micro").rows}
    after, before = (made[name].target_scores[0].score for name in ("promot_rte", "pretrained"))
    assert after is not None
    assert before is not None
    change = f"▲ {after.value - before.value:+.1f} ".replace("-", "−")
    for page, place in (("tracks/micro.html", 1), ("index.html", 1), ("methods/promot.html", 1)):
        table = board_table(read(rendered.folder / page))
        rows = {row.all("th")[0].all("a")[0].text: row.all("td")[place] for row in table.all("tbody")[0].all("tr")}
        assert rows["promot_rte"].text.startswith(change), page
        assert f"score {after.value:.1f}" in rows["promot_rte"].text
        assert rows.get("pretrained", rows["promot_rte"]).with_class("value")[0].text.strip()[:1] in ("–", change[2])
        assert "pretrained" not in rows or f"score {before.value:.1f}" in rows["pretrained"].text


def test_a_row_that_learned_nothing_stands_below_the_ranked_ones_and_says_why(rendered: Rendered) -> None:
    rows = _rows(rendered)
    row = rows["prompt_tuning_rte"]
    assert row.attributes["class"] == "unlearned"
    (mark,) = [mark for mark in row.with_class("mark") if mark.text == "did not learn"]
    assert mark.attributes["title"].startswith("rte ")
    assert "guessing" in mark.attributes["title"]
    assert row.all("td")[0].attributes["title"] == "no rank: did not learn"
    assert "≤ chance" not in row.all("td")[1].text  # it is said once
    order = list(rows)
    assert order.index("lora_rte") < order.index("prompt_tuning_rte")
    assert "class" not in rows["lora_rte"].attributes  # it is not pale
    assert next(mark.text for mark in rows["lora_rte"].with_class("mark")) == "on the front"
    front = board_table(read(rendered.folder / "index.html"))
    (line,) = [each for each in front.all("tr") if each.text.startswith("–prompt")]
    assert (line.attributes["class"], "did not learn" in line.text) == ("unlearned", True)


def test_the_marks_of_a_table_are_explained_below_it(rendered: Rendered) -> None:
    for page in ("index.html", "tracks/micro.html", "tasks/micro/cb.html", "methods/lora.html"):
        key = read(rendered.folder / page).with_class("mark-key")[0].text
        assert "ds interval over documents and seeds" in key, page
    key = read(rendered.folder / "tracks/micro.html").with_class("mark-key")[0].text
    for mark in (
        "▲ shown to be more",
        "did not learn no gain",
        "± and [ ] 95\u00a0% interval",
        "≤ chance not shown",
        "unparsable answers that",
    ):
        assert mark in key
    assert "repeated" not in key  # no document of this store is


def test_names_break_after_an_underscore_and_nowhere_else(rendered: Rendered) -> None:
    text = (rendered.folder / "tracks/micro.html").read_text(encoding="utf-8")
    assert "<bdi>prompt_<wbr>tuning_<wbr>rte</bdi>" in text
    assert breakable("a_<b>-c") == "a_<wbr>&lt;b&gt;-<wbr>c"


def test_missing_is_a_dash_with_its_reason_and_no_number(rendered: Rendered) -> None:
    row = _rows(rendered)["lora_half"]
    kept = row.all("td")[2]
    assert kept.attributes["data-sort"] == ""
    assert kept.all("span")[0].text.startswith("–")
    assert "xsum" in kept.attributes["title"]


def test_only_complete_rows_on_the_tracks_terms_are_ranked_and_they_come_first(rendered: Rendered) -> None:
    ranks = {name: row.all("td")[0].attributes["data-sort"] for name, row in _rows(rendered).items()}
    ranked = {name: rank for name, rank in ranks.items() if rank}
    assert ranked == {"promot_rte": "1", "finetune_rte": "2"}
    assert list(ranks)[1:3] == list(ranked)
    assert list(ranks)[-2:] == ["lora_half", "lora_broken"]


def test_only_complete_rows_on_the_tracks_terms_can_be_ranked_by_other_criteria(rendered: Rendered) -> None:
    values = {name: (row.attributes["data-gain"], row.attributes["data-kept"]) for name, row in _rows(rendered).items()}
    assert [name for name, value in values.items() if "" in value] == [
        "pretrained", "lora_small_batch", "lora_half", "lora_broken",
    ]  # fmt: skip
    assert float(values["promot_rte"][0]) > 30


def test_a_row_on_other_terms_says_which(rendered: Rendered) -> None:
    assert "not on the track's terms: budget.batch_size" in _rows(rendered)["lora_small_batch"].text


def test_chance_and_unparsable_answers_are_visible(rendered: Rendered) -> None:
    text = _rows(rendered)["pretrained"].text
    assert "≤ chance" in text
    assert "unparsable" in text


def test_the_chart_links_every_row_it_shows_and_names_those_it_cannot(rendered: Rendered) -> None:
    page = read(rendered.folder / "tracks/micro.html")
    points = charts(page, "scatter")[0]["points"]
    assert len(points) == 6
    assert all((rendered.folder / point["href"]).is_file() for point in points)
    assert "Not shown, because a score is missing: lora_half, lora_broken" in page.text


def test_tables_have_captions_and_scopes_and_headings_go_down_by_one(rendered: Rendered) -> None:
    for file in rendered.folder.rglob("*.html"):
        page = read(file)
        for table in page.all("table"):
            assert table.all("caption"), file
            assert all("scope" in header.attributes for header in table.all("th")), file
        levels = [int(heading.tag[1]) for heading in page.all("h1", "h2", "h3", "h4")]
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert len(page.all("main")) == 1
        ids = [element.attributes["id"] for element in page.all() if "id" in element.attributes]
        assert len(ids) == len(set(ids)), file


def test_csv_and_json_say_the_same_as_the_board(rendered: Rendered) -> None:
    made = board(rendered.store, "micro")
    listed = list(csv.DictReader(io.StringIO((rendered.folder / "data/micro.csv").read_text(encoding="utf-8"))))
    told = json.loads((rendered.folder / "data/micro.json").read_text(encoding="utf-8"))["rows"]
    assert [row["name"] for row in listed] == [row["name"] for row in told] == [row.name for row in made.rows]
    for row, line, value in zip(made.rows, listed, told, strict=True):
        assert line["norm_avg.4"] == _exact(row.norm_avg[4])
        assert line["target.rte"] == _exact(row.target_scores[0].score)
        assert line["missing"] == "; ".join(row.missing)
        score = row.norm_avg[4]
        assert (
            value["norm_avg"]["4"] is None
            if score is None
            else math.isclose(value["norm_avg"]["4"]["low"], score.low or 0)
        )


def test_the_experiment_page_has_the_command_the_spec_the_reason_and_each_seed(rendered: Rendered) -> None:
    text = read(experiment_page(rendered.folder, "lora_small_batch")).text
    command = "suite run specs/lora_small_batch.yaml --track micro --seeds 0,1,2 --set budget.batch_size=8"
    assert command in text
    assert "batch_size: 8" in text
    assert "variant:" not in text
    broken = read(experiment_page(rendered.folder, "lora_broken"))
    assert "the loss is not finite at step 12" in broken.text
    whole = read(experiment_page(rendered.folder, "promot_rte"))
    assert len(charts(whole, "lines")) == 4
    assert all(f"Seed {seed}" in whole.text for seed in (0, 1, 2))


def test_every_task_leads_to_its_answers_and_to_its_page(rendered: Rendered) -> None:
    page = experiment_page(rendered.folder, "promot_rte")
    links = [link.attributes["href"] for link in read(page).all("a")]
    answers = [link for link in links if "answers.html#" in link]
    assert len(set(answers)) == 17
    assert f"row=micro%2F{page.stem}&task=cb.1" in answers[1]
    assert "../../tasks/micro/cb.html" in links
    assert "../../methods/promot.html" in links


def test_the_front_of_the_chart_is_named(rendered: Rendered) -> None:
    page = read(rendered.folder / "tracks/micro.html")
    assert "On the front: promot_rte, finetune_rte." in page.text
    drawn = charts(page, "scatter")[0]
    best = [drawn["points"][place] for place in drawn["front"]]
    assert [point["name"] for point in best] == ["promot_rte", "finetune_rte"]
    assert [point.get("cost") for point in best] == [94.0, 8.4]
    pale = [point["name"] for point in drawn["points"] if point.get("pale")]
    assert pale == ["lora_small_batch", "prompt_tuning_rte"]


def test_the_chart_of_gains_is_a_table_too(rendered: Rendered) -> None:
    figure = read(rendered.folder / "tracks/micro.html").with_class("gained")[0]
    made = {row.name: row for row in board(rendered.store, "micro").rows}
    lines = {row.all("th")[0].text: [cell.text for cell in row.all("td")] for row in figure.all("tbody")[0].all("tr")}
    assert set(lines) == {point["name"] for point in charts(figure, "scatter")[0]["points"]}
    change = made["promot_rte"].change[4]
    assert change is not None
    assert lines["promot_rte"][1] == f"{change.value:+.1f} {margin(change)}".replace("-", "−")
    assert [lines["promot_rte"][3], lines["lora_rte"][3]] == ["yes", "no"]


def test_tasks_at_a_glance_have_a_cell_for_each_row_and_task(rendered: Rendered) -> None:
    table = read(rendered.folder / "tracks/micro.html").with_class("by-task")[0]
    made = board(rendered.store, "micro")
    rows = table.all("tbody")[0].all("tr")
    assert [row.all("th")[0].text for row in rows] == [row.name for row in made.rows]
    assert all(len(row.all("td")) == len(made.roles) for row in rows)


def test_the_front_page_has_the_control_and_the_best_rows_of_each_track(rendered: Rendered) -> None:
    page = read(rendered.folder / "index.html")
    rows = [row.all("th")[0].all("a")[0].text for row in page.all("tbody")[0].all("tr")]
    ranked = [row.name for row in board(rendered.store, "micro").rows if row.name in rows]
    assert rows == ranked
    assert rows[0] == "pretrained"
    assert len(rows) == 5
    assert any(link.attributes["href"] == "tracks/micro.html" for link in page.all("a"))


def test_the_lines_for_filtered_downloads_are_those_of_the_whole_ones(rendered: Rendered) -> None:
    data = loaded(rendered.folder / "data/micro.js")[1]
    text = "".join([data["csv"]["head"], *data["csv"]["lines"]])
    assert text == (rendered.folder / "data/micro.csv").read_text(encoding="utf-8")
    whole = json.loads((rendered.folder / "data/micro.json").read_text(encoding="utf-8"))
    assert {**data["json"]["head"], "rows": data["json"]["rows"]} == whole


def test_a_page_that_holds_few_rows_cuts_no_table(rendered: Rendered, monkeypatch: pytest.MonkeyPatch) -> None:
    urls = track_urls([board(rendered.store, "micro")])[0]
    for most, cut in ((8, 0), (7, 1)):
        monkeypatch.setattr(track, "MOST", most)
        monkeypatch.setattr(track, "LEAST", 1)
        assert track.track_page(urls).omitted == cut


def test_deviations_from_the_paper_are_listed_on_the_page_and_in_the_download(tmp_path: Path) -> None:
    told = ("Weights are kept in bfloat16.", "It is <b>not</b> the paper's tokenizer.")
    with Store.open("sqlite://") as store:
        Filling(store, documents=4, deviations=told).add("pretrained", "pretrained", BASE, (0,))
        folder = render(store, tmp_path / "site").parent
    page = read(folder / "tracks/micro.html")
    (listed,) = [each for each in page.all("details") if "deviations" in each.attributes.get("class", "")]
    assert "Where this differs from the paper (2)" in listed.all("summary")[0].text
    assert [item.text for item in listed.all("li")] == list(told)
    assert json.loads((folder / "data/micro.json").read_text(encoding="utf-8"))["deviations"] == list(told)


def test_a_track_without_deviations_lists_none(rendered: Rendered) -> None:
    assert "differs from the paper" not in (rendered.folder / "tracks/micro.html").read_text(encoding="utf-8")
    assert "deviations" not in json.loads((rendered.folder / "data/micro.json").read_text(encoding="utf-8"))
