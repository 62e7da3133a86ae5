"""A track's table in a real browser, from disk: sorting, filters, columns, downloads, all kept in the address."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Any


def column(page: Any, place: int) -> list[str]:
    """What is sorted by in a column, row by row."""
    found: list[str] = page.eval_on_selector_all(
        "table[data-table] tbody tr", f"rows => rows.map(row => row.cells[{place}].dataset.sort)"
    )
    return found


def names(page: Any) -> list[str]:
    """The rows that are shown."""
    found: list[str] = page.locator("table[data-table] tbody tr:visible th a:not(.quiet)").all_inner_texts()
    return found


def test_headers_sort_by_click_and_keyboard_with_what_is_missing_last(board: Any) -> None:
    before = column(board, 1)
    header = board.locator("th[data-key='kept.4']")
    header.get_by_role("button").click()
    assert header.get_attribute("aria-sort") == "descending"
    values = column(board, 4)
    numbers = [float(value) for value in values if value]
    assert numbers == sorted(numbers, reverse=True)
    assert values[-2:] == ["", ""]
    board.keyboard.press("Enter")
    assert header.get_attribute("aria-sort") == "ascending"
    values = column(board, 4)
    assert [float(value) for value in values if value] == sorted(numbers)
    assert values[-2:] == ["", ""]
    board.keyboard.press("Space")
    assert header.get_attribute("aria-sort") == "none"
    assert column(board, 1) == before


def test_names_sort_as_text(board: Any) -> None:
    board.locator("th[data-key='name']").get_by_role("button").click()
    assert column(board, 1) == sorted(column(board, 1))


def test_search_and_filters_leave_rows_and_points(board: Any) -> None:
    board.get_by_label("Family").select_option("adapter")
    assert names(board) == ["pretrained", "lora_rte", "lora_small_batch", "lora_half", "lora_broken"]
    assert board.locator("a.to-point.out").count() == 3
    board.get_by_label("Family").select_option("")
    board.get_by_label("Trained parameters").select_option("10000")
    assert names(board) == ["pretrained", "prompt_tuning_rte"]
    board.get_by_label("Trained parameters").select_option("100000")
    board.get_by_label("Search").fill("lora half")
    board.wait_for_url(re.compile("q="))
    assert names(board) == ["lora_half"]
    board.get_by_role("button", name="Reset").click()
    assert len(names(board)) == 8


def test_columns_hide_and_per_task_scores_unfold(board: Any) -> None:
    assert board.locator("th[data-key='task.cb.1']").is_hidden()
    board.locator(".columns summary").click()
    board.get_by_label("Cost", exact=True).uncheck()
    board.get_by_label("cb (accuracy)").check()
    assert board.locator("th[data-key='time']").is_hidden()
    assert board.locator("th[data-key='task.cb.1']").is_visible()
    board.get_by_role("button", name="Show per-task scores").click()
    assert board.locator("th[data-key='task.wikilingua.4']").is_visible()
    width = board.locator(".board tbody tr").first.locator("td:visible, th:visible").count()
    assert width == board.locator(".board thead tr").nth(1).locator("th:visible").count() + 2


def test_the_address_keeps_the_state_and_gives_it_back(board: Any) -> None:
    board.locator("th[data-key='kept.4']").get_by_role("button").click()
    board.get_by_label("Search").fill("lora")
    board.wait_for_url(re.compile("q=lora"))
    order = names(board)
    address = board.url
    board.goto("about:blank")
    board.goto(address)
    assert names(board) == order
    assert board.locator("th[data-key='kept.4']").get_attribute("aria-sort") == "descending"
    assert board.get_by_label("Search").input_value() == "lora"


def test_downloads_hand_on_the_rows_that_are_shown(board: Any) -> None:
    board.get_by_label("Search").fill("lora")
    board.wait_for_url(re.compile("q=lora"))
    for kind in ("CSV", "JSON"):
        with board.expect_download() as download:
            board.get_by_role("link", name=kind, exact=True).click()
        text = Path(download.value.path()).read_text(encoding="utf-8")
        rows = list(csv.DictReader(io.StringIO(text))) if kind == "CSV" else json.loads(text)["rows"]
        assert [row["name"] for row in rows] == ["lora_rte", "lora_small_batch", "lora_half", "lora_broken"]


def test_a_long_table_brings_in_its_other_rows_as_if_they_had_been_there(
    page: Any, site: Path, short_site: Path
) -> None:
    seen = []
    for folder in (site, short_site):
        page.goto((folder / "tracks/micro.html").as_uri())
        if folder is short_site:
            assert page.locator("table[data-table] tbody tr").count() == 3
            assert page.get_by_text("3 of 8 rows", exact=True).is_visible()
            page.get_by_role("button", name="Show all 8 rows").click()
            page.get_by_text("8 of 8 rows").wait_for()
        rows = page.locator("table[data-table] tbody tr").all_inner_texts()
        sorts = page.eval_on_selector_all("table[data-table] tbody tr > *", "all => all.map(each => each.dataset.sort)")
        hidden = page.locator("table[data-table] tbody tr > *:visible").count()
        whiskers = page.locator("table[data-table] tbody .whisker:visible").count()
        seen.append(([" ".join(row.split()) for row in rows], sorts, hidden, whiskers))
    assert seen[0] == seen[1]


def test_sorting_a_long_table_sorts_all_its_rows(page: Any, short_site: Path) -> None:
    page.goto((short_site / "tracks/micro.html").as_uri() + "#sort=name")
    page.get_by_text("8 of 8 rows").wait_for()
    assert column(page, 1) == sorted(column(page, 1))


def test_two_ticked_rows_are_compared(board: Any) -> None:
    board.get_by_label("compare promot_rte").check()
    board.get_by_label("compare finetune_rte").check()
    board.get_by_role("link", name="Compare promot_rte with finetune_rte").click()
    assert board.locator("h1").inner_text() == "Compare two experiments"
    board.get_by_role("row", name="cb, 1 shot").wait_for()


def test_points_of_the_chart_lead_to_their_experiment(board: Any) -> None:
    board.locator("a.to-point circle").nth(1).click()
    assert "/experiments/micro/" in board.url


def test_without_scripts_everything_is_shown(browser: Any, site: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    opened = context.new_page()
    opened.goto((site / "tracks/micro.html").as_uri())
    assert opened.locator("th[data-key='task.cb.1']").is_visible()
    assert opened.locator("table[data-table] tbody tr:visible").count() == 8
    context.close()


def places(board: Any) -> dict[str, str]:
    """Name -> rank of the rows that have one, in the page's order."""
    cells = board.locator("table[data-table] tbody tr:visible td.rank").all_inner_texts()
    return {name: text for name, text in zip(names(board), cells, strict=True) if text != "–"}


def test_rows_can_be_ranked_by_another_criterion_which_the_address_keeps(board: Any) -> None:
    assert places(board) == {"promot_rte": "1", "finetune_rte": "2"}
    board.get_by_label("Rank by").select_option("front")
    board.wait_for_url(re.compile("rank=front"))
    assert list(places(board).items()) == [("finetune_rte", "1"), ("promot_rte", "1"), ("lora_rte", "2")]
    board.get_by_label("Rank by").select_option("weighted")
    board.get_by_label("Weight of the gain").fill("0")
    board.wait_for_url(re.compile("weight=0"))
    assert list(places(board).items()) == [("promot_rte", "1"), ("lora_rte", "2"), ("finetune_rte", "3")]
    assert names(board)[0] == "pretrained"
    address = board.url
    board.goto("about:blank")
    board.goto(address)
    assert list(places(board)) == ["promot_rte", "lora_rte", "finetune_rte"]
    board.get_by_label("Weight of the gain").fill("100")
    board.wait_for_url(re.compile("weight=100"))
    assert list(places(board)) == ["finetune_rte", "promot_rte", "lora_rte"]
    board.get_by_role("button", name="Reset").click()
    assert places(board) == {"promot_rte": "1", "finetune_rte": "2"}
