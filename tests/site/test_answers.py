"""Answers and comparisons in a real browser, loaded in portions from disk."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from tests.leaderboard.filled import LEARNABLE
from tests.leaderboard.reading import loaded, scores
from tests.leaderboard.test_pairwise import versus_data
from tests.site.conftest import DOCUMENTS


def key(site: Path, name: str, track: str = "micro") -> str:
    """What names a row in an address."""
    return f"{track}/{next((site / 'rows' / track).glob(f'{name}-????????.js')).stem}"


def answers(page: Any, site: Path, name: str, task: str, more: str = "", track: str = "micro") -> None:
    """Open a row's answers."""
    page.goto(f"{(site / 'answers.html').as_uri()}#row={key(site, name, track)}&task={task}{more}")
    page.locator("table.answers").wait_for()


def test_an_experiment_and_its_answers_are_reached_by_clicks(page: Any, site: Path) -> None:
    page.goto((site / "index.html").as_uri())
    page.get_by_role("link", name="promot_rte", exact=True).first.click()
    assert page.locator("h1").inner_text() == "promot_rte"
    page.get_by_role("link", name="answers to rte, 0 shots").click()
    page.get_by_text("rte question 0?").wait_for()
    assert page.locator("h1").inner_text() == "Answers: rte, 0 shots"
    page.get_by_role("navigation", name="Breadcrumb").get_by_role("link").first.click()
    assert page.locator("h1").inner_text() == "micro (synthetic)"


def test_only_wrong_answers_can_be_shown(page: Any, site: Path) -> None:
    answers(page, site, "pretrained", "rte.0")
    page.get_by_label("Show").select_option("wrong")
    page.wait_for_url(re.compile("show=wrong"))
    letters = scores(site, "pretrained")["rte.0"]["columns"][0]["values"]
    page.get_by_text(f"{letters.count('0')} of {LEARNABLE} documents").wait_for()
    assert page.locator("table.answers .right").count() == 0


def test_search_goes_through_all_chunks(page: Any, site: Path) -> None:
    answers(page, site, "lora_rte", "cb.1", track="other")
    assert page.get_by_text("page 1 of 9", exact=True).is_visible()
    page.get_by_label("Search").fill("cb question 205?")
    page.get_by_text("1 of 210 documents").wait_for()
    assert page.locator("table.answers tbody tr").count() == 1
    assert page.get_by_text("cb question 205?", exact=True).is_visible()


def test_pages_of_answers_turn_and_stay_in_the_address(page: Any, site: Path) -> None:
    answers(page, site, "lora_rte", "cb.1", "&page=9", "other")
    assert page.locator("table.answers tbody tr").count() == 10
    page.get_by_role("button", name="Earlier").click()
    page.get_by_text("page 8 of 9", exact=True).wait_for()
    assert "page=8" in page.url


def compared(page: Any, site: Path, first: str, second: str, more: str = "") -> None:
    """Open a comparison."""
    page.goto(f"{(site / 'compare.html').as_uri()}#a={key(site, first)}&b={key(site, second)}{more}")
    page.locator("table.compared").wait_for()


def suite_number(value: float) -> str:
    """A signed number as the pages write it."""
    return f"{value:+.1f}".replace("-", "−") if round(value, 1) else "0.0"


def test_a_comparison_shows_what_suite_compare_found_whichever_row_comes_first(page: Any, site: Path) -> None:
    found = versus_data(site)
    first, second = next(pair for pair in found if set(pair) == {"promot_rte", "finetune_rte"})
    keys, (tasks, averages) = found[first, second]
    for names, sign in (((first, second), 1), ((second, first), -1)):
        page.goto("about:blank")
        compared(page, site, *names)
        rows = page.locator("table.compared tbody tr")
        assert rows.count() == len(keys) + len(averages)
        shown = {cells[0]: cells for row in rows.all() for cells in [row.locator("th, td").all_inner_texts()]}
        for label, told in [*zip(shown, tasks, strict=False), *zip([*shown][-2:], averages.values(), strict=True)]:
            value, half, p, seen, documents, seeds, *counts = told
            told_p = "by construction" if p is None else "< 0.001" if p == 0 else f"{p:.3f}"
            assert shown[label][4].replace("−", "-") == (f"{sign * value:+.1f}" if value else "0.0"), label
            ends = [suite_number(sign * end) for end in (half[::sign] if isinstance(half, list) else ())]
            interval = f"[{', '.join(ends)}]" if ends else f"±{half:.1f}"
            assert shown[label][5:8] == [interval, told_p, f"{seen:.1f}"]
            won_and_lost = ["–" if each is None else str(each) for each in (counts or [None, None])[::sign]]
            assert shown[label][8:12] == [*won_and_lost, str(documents), str(seeds)]
    command = page.get_by_text("The same in a terminal:").inner_text()
    assert command.endswith(f"suite compare {second} {first} --track micro")


def test_where_rows_are_too_many_differences_are_plain_and_the_command_is_named(page: Any, short_site: Path) -> None:
    compared(page, short_site, "promot_rte", "finetune_rte")
    page.get_by_text("This track has too many rows").wait_for()
    values = [scores(short_site, name)["cb.1"]["columns"] for name in ("promot_rte", "finetune_rte")]
    shares = [sum(column["values"].count("1") for column in columns) / (3 * DOCUMENTS) for columns in values]
    cells = page.get_by_role("row", name="cb, 1 shot").locator("td").all_inner_texts()
    assert cells[3].replace("−", "-") == f"{100 * (shares[0] - shares[1]):+.1f}"
    assert cells[4:7] == ["–", "–", "–"]
    assert "suite compare promot_rte finetune_rte --track micro" in page.locator("#view").inner_text()


def test_documents_that_differ_are_side_by_side(page: Any, site: Path) -> None:
    compared(page, site, "promot_rte", "finetune_rte")
    page.get_by_role("button", name="differ on cb, 4 shots").click()
    page.get_by_role("heading", name="Documents of cb, 4 shots").wait_for()
    page.get_by_label("Show").select_option("a")
    page.wait_for_url(re.compile("show=a"))
    first = page.locator("#list table.answers tbody tr").first
    assert first.locator("td").nth(2).locator(".right").count() >= 1
    assert first.locator("td").nth(3).locator(".wrong").count() >= 1


def test_any_two_can_be_chosen_and_swapped(page: Any, site: Path) -> None:
    page.goto((site / "compare.html").as_uri())
    page.get_by_text("Choose two experiments").wait_for()
    page.get_by_label("experiment A").select_option(key(site, "lora_rte"))
    page.get_by_label("experiment B").select_option(key(site, "pretrained"))
    page.locator("table.compared").wait_for()
    before = page.get_by_role("row", name="cb, 1 shot").locator("td").nth(3).inner_text()
    page.get_by_role("button", name="Swap").click()
    page.wait_for_url(re.compile("a=micro%2Fpretrained"))
    after = page.get_by_role("row", name="cb, 1 shot").locator("td").nth(3).inner_text()
    assert after.replace("−", "+") == before.replace("−", "+")
    assert after != before


def test_other_documents_are_not_comparable(page: Any, site: Path) -> None:
    other = key(site, "lora_rte", "other")
    page.goto(f"{(site / 'compare.html').as_uri()}#a={key(site, 'lora_rte')}&b={other}")
    page.get_by_text("not comparable: other documents").first.wait_for()
    assert page.get_by_text("of different tracks").is_visible()


def test_an_address_leads_nowhere_but_to_the_site(page: Any, site: Path) -> None:
    for bad in ("../../etc/passwd", "https://example.org/x", "micro/../../x", "micro/..", "../micro"):
        page.goto("about:blank")
        page.goto(f"{(site / 'answers.html').as_uri()}#row={bad}")
        page.get_by_text("Open the answers from the page of an experiment").wait_for()


def test_every_listed_row_has_its_scores(site: Path) -> None:
    listed = loaded(site / "rows.js")[1]
    keys = [row[0] for track in listed["tracks"] for row in track["rows"]]
    assert len(keys) == 9
    assert all((site / "rows" / f"{each}.js").is_file() for each in keys)
