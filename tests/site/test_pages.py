"""Every kind of page in a real browser: phone, dark, keyboard, accessibility, hostile texts."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.site.test_answers import key


def addresses(site: Path) -> list[str]:
    """One of each kind of page."""
    track = sorted(item.name for item in (site / "rows").iterdir())[0]
    names = sorted(file.stem for file in (site / "rows" / track).iterdir())
    files = [
        *sorted(file.name for file in site.glob("*.html") if file.name not in ("answers.html", "compare.html")),
        f"tracks/{track}.html",
        f"experiments/{track}/{names[-1]}.html", f"experiments/{track}/{names[0]}.html", f"tasks/{track}/cb.html",
        str(next(iter(sorted((site / "methods").glob("*.html")))).relative_to(site)),
        f"answers.html#row={track}/{names[-1]}&task=cb.1", f"compare.html#a={track}/{names[0]}&b={track}/{names[-1]}",
    ]  # fmt: skip
    return [(site / file.partition("#")[0]).as_uri() + "".join(file.partition("#")[1:]) for file in files]


def visit(page: Any, address: str) -> None:
    """Open a page, all that is folded unfolded, all that it loads there."""
    page.goto(address)
    if "#" in address:
        page.locator("#list table, table.compared").first.wait_for()
    page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true; })")


def test_no_page_is_wider_than_a_phone(page: Any, site: Path) -> None:
    page.set_viewport_size({"width": 380, "height": 800})
    for address in addresses(site):
        visit(page, address)
        assert not page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"), address


def test_tables_of_tracks_are_not_cut_on_a_laptop(page: Any, site: Path) -> None:
    for name in ("index.html", "tracks/micro.html"):
        page.goto((site / name).as_uri())
        wide = "boxes => boxes.filter(box => box.scrollWidth > box.clientWidth).map(box => box.textContent)"
        assert page.eval_on_selector_all(".scroll", wide) == [], name
        assert page.locator(".scroll-hint:visible").count() == 0


def test_the_steps_of_an_experiment_are_not_cut_on_a_laptop(page: Any, site: Path) -> None:
    for address in addresses(site):
        if "/experiments/" in address:
            visit(page, address)
            cut = "[...document.querySelectorAll('.scroll:has(.steps)')].map(box => box.scrollWidth - box.clientWidth)"
            assert set(page.evaluate(cut)) == {0}, address


def test_gained_and_kept_are_seen_side_by_side_on_a_phone_and_a_line_says_that_a_table_scrolls(
    page: Any, site: Path
) -> None:
    page.set_viewport_size({"width": 390, "height": 800})
    for name, places in (("index.html", (2, 3)), ("tracks/micro.html", (2, 3, 4))):
        page.goto((site / name).as_uri())
        box = page.locator(".groups .scroll, .board").first
        inside = box.bounding_box()
        for row in box.locator("tbody tr").all():
            for place in places:
                cell = row.locator("th, td").nth(place).bounding_box()
                assert cell["x"] + cell["width"] <= inside["x"] + inside["width"] + 1, (name, place)
        assert page.get_by_text("Scroll the table sideways").first.is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(page: Any, site: Path, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
    page.emulate_media(color_scheme=scheme)
    only = {"runOnly": ["color-contrast"]} if scheme == "dark" else {}  # the rest is the same in both
    for address in addresses(site):
        visit(page, address)
        found = axe.Axe().run(page, options={"preload": False, **only}).response["violations"]
        serious = [
            (each["id"], [node["html"][:200] for node in each["nodes"]][:3])
            for each in found
            if each["impact"] in ("serious", "critical")
        ]
        assert not serious, address


def test_dark_and_light_differ(page: Any, site: Path) -> None:
    page.goto((site / "index.html").as_uri())
    seen = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        style = "getComputedStyle(document.body)"
        seen.append(page.evaluate(f"[{style}.color, {style}.backgroundColor]"))
    assert seen[0][0] != seen[1][0]
    assert seen[0][1] != seen[1][1]


def test_the_first_tab_stop_skips_to_the_content_and_keeps_the_state(page: Any, site: Path) -> None:
    page.goto((site / "tracks/micro.html").as_uri() + "#q=lora")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    assert page.evaluate("location.hash") == "#q=lora"


def test_the_table_is_used_with_keys_alone(board: Any) -> None:
    board.get_by_label("Search").focus()
    board.keyboard.type("promot")
    board.wait_for_url(re.compile("q=promot"))
    board.get_by_label("compare promot_rte").focus()
    board.keyboard.press("Space")
    assert board.get_by_role("link", name="Compare promot_rte with").is_visible()
    board.get_by_role("link", name="promot_rte", exact=True).first.focus()
    board.keyboard.press("Enter")
    assert board.locator("h1").inner_text() == "promot_rte"


def test_pages_are_light(page: Any, site: Path) -> None:
    static = sum(file.stat().st_size for file in (site / "static").iterdir() if file.is_file())
    assert static < 100_000
    loaded: list[str] = []
    page.on("request", lambda request: loaded.append(request.url))
    page.goto((site / "tracks/micro.html").as_uri())
    sizes = {url: Path(url.removeprefix("file://")).stat().st_size for url in loaded if url.startswith("file:")}
    assert any(url.endswith("plot.umd.min.js") for url in sizes)
    assert sum(sizes.values()) < 700_000


def test_hostile_texts_are_shown_and_do_nothing(page: Any, hostile_site: Path) -> None:
    for address in addresses(hostile_site):
        visit(page, address)
        assert page.evaluate("document.querySelectorAll('img, iframe, base, form').length") == 0
        assert page.evaluate("[...document.querySelectorAll('*')].every(each => !each.onmouseover && !each.onerror)")
        links = page.eval_on_selector_all(
            "a[href]", "all => all.map(each => new URL(each.href.baseVal || each.href, location).protocol)"
        )
        assert set(links) == {"file:"}
        assert "\u202e" not in page.locator("body").inner_text()


def test_a_hostile_name_can_be_searched_and_compared(page: Any, hostile_site: Path) -> None:
    track = next((hostile_site / "rows").iterdir()).name
    visit(page, f"{(hostile_site / 'answers.html').as_uri()}#row={key(hostile_site, 'lora_rte', track)}&task=cb.1")
    page.get_by_label("Search").fill("<script>alert(1)")
    page.get_by_text("1 of 10 documents").wait_for()
    assert "</td></table><script>alert(1)</script>" in page.locator("table.answers tbody").inner_text()


def test_claims_are_told_with_their_numbers_and_lead_to_their_rows(page: Any, site: Path) -> None:
    page.goto((site / "index.html").as_uri())
    page.get_by_role("link", name="Claims").click()
    assert page.locator(".judged").all_inner_texts() == ["holds", "undecided", "not run"]
    first = page.locator("table.claims tbody tr").first
    for told in ("keeps", "ProMoT, Table 3", "documents, 3 seeds", "minimum detectable effect"):
        assert told in first.inner_text()
    assert "nobody (not run)" in page.locator("table.claims tbody tr").last.inner_text()
    first.get_by_role("link", name="promot_rte").click()
    assert page.locator("h1").inner_text() == "promot_rte"


def test_a_claim_is_read_on_a_phone_without_scrolling_sideways(page: Any, site: Path) -> None:
    page.set_viewport_size({"width": 380, "height": 800})
    visit(page, (site / "claims.html").as_uri())
    assert page.locator(".scroll").evaluate("box => box.scrollWidth <= box.clientWidth")
    for text in page.locator("table.claims tbody tr").first.locator("td, th").all():
        box = text.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 380


def test_ranks_are_intervals_and_their_chart_is_read_with_keys(board: Any) -> None:
    shown = board.locator("td.rank").all_inner_texts()
    assert [text for text in shown if text != "–"] == ["1", "2"]
    summary = board.locator(".ranking summary")
    board.locator(".ranking a.to-label").last.focus()
    board.keyboard.press("Tab")
    assert summary.evaluate("it => it === document.activeElement")
    board.keyboard.press("Enter")
    board.keyboard.press("Tab")
    board.keyboard.press("Tab")
    assert board.evaluate("document.activeElement.textContent") == "promot_rte"


def test_filtered_rows_fade_in_the_chart_of_ranks(board: Any) -> None:
    board.get_by_label("Family").select_option("adapter")
    board.wait_for_url(re.compile("family=adapter"))
    assert board.locator("a.to-label.out").count() == 2
