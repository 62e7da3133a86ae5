"""The rendered site in a real browser, from disk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def page(browser: Any, index: Path) -> Iterator[Any]:
    """The index page, opened; at the end nothing went wrong and nothing but files was asked for."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme="light")
    opened = context.new_page()
    opened.set_default_timeout(10_000)
    faults: list[str] = []
    asked: list[str] = []
    opened.on("console", lambda message: faults.append(message.text) if message.type in ("error", "warning") else None)
    opened.on("pageerror", lambda error: faults.append(str(error)))
    opened.on("requestfailed", lambda request: faults.append(request.url))
    opened.on("request", lambda request: asked.append(request.url))
    opened.goto(index.as_uri())
    yield opened
    context.close()
    assert not faults
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []


def _column(page: Any, place: int) -> list[str]:
    found: list[str] = page.eval_on_selector_all(
        "table[data-table] tbody tr", f"rows => rows.map(row => row.cells[{place}].dataset.sort)"
    )
    return found


def _overflows(page: Any) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))


def test_headers_sort_by_click_and_keyboard_with_what_is_missing_last(page: Any) -> None:
    before = _column(page, 1)
    header = page.locator("th", has_text="4 shots").first
    header.get_by_role("button").click()
    assert header.get_attribute("aria-sort") == "descending"
    values = _column(page, 4)
    numbers = [float(value) for value in values if value]
    assert numbers == sorted(numbers, reverse=True)
    assert values[-2:] == ["", ""]
    page.keyboard.press("Enter")
    assert header.get_attribute("aria-sort") == "ascending"
    values = _column(page, 4)
    assert [float(value) for value in values if value] == sorted(numbers)
    assert values[-2:] == ["", ""]
    page.keyboard.press("Space")
    assert header.get_attribute("aria-sort") == "none"
    assert _column(page, 1) == before


def test_names_sort_as_text(page: Any) -> None:
    page.locator("th.name", has_text="Experiment").get_by_role("button").click()
    assert _column(page, 1) == sorted(_column(page, 1))


def test_per_task_columns_unfold_and_sort(page: Any) -> None:
    assert page.locator("td.extra").first.is_hidden()
    page.get_by_role("button", name="Show per-task scores").click()
    assert page.locator("td.extra").first.is_visible()
    header = page.locator("th.extra[data-sort]").last
    header.get_by_role("button").click()
    last = page.locator("table[data-table] tbody tr").first.locator("td").count()
    numbers = [float(value) for value in _column(page, last) if value]
    assert numbers == sorted(numbers, reverse=True)


def test_rows_can_be_filtered(page: Any) -> None:
    page.get_by_label("Filter rows").fill("promot")
    assert page.locator("table[data-table] tbody tr:visible").count() == 1


def test_an_experiment_and_its_answers_are_reached_by_clicks(page: Any) -> None:
    page.get_by_role("link", name="promot_rte", exact=True).first.click()
    assert page.locator("h1").inner_text() == "promot_rte"
    page.get_by_role("link", name="answers to rte, 0 shots").click()
    assert page.locator("h1").inner_text() == "Answers: rte, 0 shots"
    assert page.get_by_text("rte question 0?").is_visible()
    page.get_by_role("navigation", name="Breadcrumb").get_by_role("link").first.click()
    assert page.locator("h1").inner_text() == "Fine-tuning leaderboard"


def test_points_of_the_chart_lead_to_their_experiment(page: Any) -> None:
    page.locator("a.point circle").nth(1).click()
    assert "/experiments/micro/" in page.url


def test_no_page_is_wider_than_a_phone(page: Any, index: Path) -> None:
    page.set_viewport_size({"width": 380, "height": 800})
    answers = next(index.parent.rglob("answers/**/1-shot.html"))
    experiments = sorted(index.parent.rglob("experiments/**/*.html"))
    for file in (index, *experiments, answers):
        page.goto(file.as_uri())
        page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
        assert not _overflows(page), file


def test_dark_and_light_differ_and_text_can_be_read_in_both(page: Any) -> None:
    seen = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        seen.append(
            page.evaluate("[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]")
        )
    assert seen[0][0] != seen[1][0]
    assert seen[0][1] != seen[1][1]
    assert all(text != paper for text, paper in seen)


def test_the_first_tab_stop_skips_to_the_content(page: Any) -> None:
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to content"
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash") == "#main"


def test_without_scripts_everything_is_shown(browser: Any, index: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    opened = context.new_page()
    opened.goto(index.as_uri())
    assert opened.locator("td.extra").first.is_visible()
    context.close()
