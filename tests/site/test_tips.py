"""Explanations of numbers and marks: by click, by touch and by keys."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.site.conftest import tip_of


def test_a_click_shows_the_numbers_of_a_cell_and_another_one_hides_them(board: Any) -> None:
    cell = board.locator("table[data-table] tbody tr[data-key*='finetune_rte'] td").nth(3)
    cell.click()
    assert "95\u00a0% interval" in tip_of(board)
    assert "Holm-corrected; minimum detectable effect: " in tip_of(board)
    cell.click()
    assert tip_of(board) == ""
    cell.click()
    board.locator("h1").click()
    assert tip_of(board) == ""


def test_a_mark_says_why_a_row_has_no_rank(board: Any) -> None:
    board.locator(".mark:text-is('did not learn')").first.click()
    assert tip_of(board).startswith("rte ")
    assert "guessing" in tip_of(board)
    board.keyboard.press("Escape")
    assert tip_of(board) == ""


def test_arrow_keys_go_from_one_explanation_of_a_table_to_the_next(board: Any) -> None:
    stops = board.locator("table[data-table] [tabindex='0']")
    assert stops.count() == 1
    stops.focus()
    board.keyboard.press("ArrowDown")
    first = tip_of(board)
    assert first
    for _ in range(6):
        board.keyboard.press("ArrowRight")
    assert tip_of(board) not in ("", first)
    assert board.locator("table[data-table] [tabindex='0']").count() == 1
    assert board.evaluate("document.activeElement.getAttribute('aria-describedby')") == "tip"
    board.keyboard.press("Enter")
    assert tip_of(board) == ""


def test_hovering_shows_one_tooltip_and_not_the_browsers_too(board: Any) -> None:
    mark = board.locator(".mark:text-is('did not learn')").first
    mark.hover()
    board.locator("#tip").wait_for(state="visible")
    assert mark.get_attribute("title") is None
    board.mouse.move(0, 0)
    board.locator("#tip").wait_for(state="hidden")


def test_without_scripts_explanations_are_the_browsers(browser: Any, site: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    opened = context.new_page()
    opened.goto((site / "tracks/micro.html").as_uri())
    assert "guessing" in opened.locator(".mark:text-is('did not learn')").first.get_attribute("title")
    context.close()


def test_a_touch_shows_an_explanation_and_it_stays_on_the_screen(browser: Any, site: Path) -> None:
    context = browser.new_context(has_touch=True, viewport={"width": 380, "height": 800})
    opened = context.new_page()
    opened.goto((site / "tracks/micro.html").as_uri())
    opened.locator(".mark:text-is('did not learn')").first.tap()
    assert "guessing" in tip_of(opened)
    box = opened.locator("#tip").bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 380
    context.close()
