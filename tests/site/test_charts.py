"""Every kind of chart in a real browser: marks, tips, keys, dark, phone, hostile names."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from leaderboard.charts.chart import Chart
from leaderboard.charts.lines import Point, Reference, Series, lines
from tests.leaderboard.reading import experiment_page
from tests.leaderboard.test_hostile import DRAWN

GROUPS = ("ProMoT", "fine-tuning")
FITS = """[...document.querySelectorAll('.chart')].every((each) =>
  each.querySelector('svg.plot').getBoundingClientRect().width === Math.floor(each.clientWidth))"""
NAMELESS = """all => all.filter((each) => each.tabIndex !== 0
  || !(each.getAttribute('aria-label') || each.getAttribute('aria-labelledby'))).length"""
OVERLAPS = """() => {
  const all = (name) => [...document.querySelectorAll(`.gained .plot ${name}`)];
  const boxes = (name) => all(name).map((each) => each.getBoundingClientRect());
  const meet = (a, b) => a.left < b.right && b.left < a.right && a.top + 3 < b.bottom - 3 && b.top + 3 < a.bottom - 3;
  const names = boxes(".name text"), discs = boxes("a.to-point circle");
  return [names.length, names.some((name) => discs.some((disc) => meet(name, disc))),
    names.some((a, at) => names.slice(at + 1).some((b) => meet(a, b)))];
}"""


def steps(seed: int) -> list[Point]:
    return [Point(at, at / 100 - seed / 10) for at in range(0, 101, 20)]


COSINES = lines(
    "Cosine by module kind along training",
    "training step",
    "cosine",
    [
        Series(kind, {f"seed {seed}": steps(seed) for seed in (0, 1)}, group)
        for kind in ("attention", "mlp")
        for group in GROUPS
    ],
    [Reference("no agreement", 0.0)],
)  # fmt: skip
WAY = lines(
    "Target score against held-out score along training",
    "target score",
    "held-out score",
    [Series("promot_rte", {"seed 0": [Point(50, 80, 0), Point(90, 70, 100), Point(80, 60, 200)]})],
)


@pytest.fixture
def drawn(page: Any, site: Path) -> Any:
    """Draw charts on a page that had none."""

    def draw(*charts: Chart | None, width: int = 1280) -> Any:
        page.set_viewport_size({"width": width, "height": 900})
        page.goto((site / "methods.html").as_uri())
        _put(page, [chart.described for chart in charts if chart])
        return page

    return draw


def _put(page: Any, descriptions: Sequence[dict[str, Any]]) -> None:
    page.evaluate(
        """async (texts) => {
          for (const text of texts) {
            const data = suite.make("script", {type: "application/json"}, text);
            document.querySelector("main").append(suite.make("figure", {}, suite.make("div", {class: "chart"}, data)));
          }
          for (const name of ["vendor/d3.min.js", "vendor/plot.umd.min.js", "charts.js"]) {
            await new Promise((resolve) => {
              const script = suite.make("script", {src: `static/${name}`});
              script.onload = resolve;
              document.head.append(script);
            });
          }
        }""",
        [json.dumps(each) for each in descriptions],
    )


def until(page: Any, wanted: str) -> None:
    """Wait for something to be true."""
    for _ in range(100):
        if page.evaluate(wanted):
            return
        page.wait_for_timeout(50)
    raise AssertionError(wanted)


def colour(page: Any, selector: str, what: str) -> str:
    found: str = page.locator(selector).first.evaluate(f"it => getComputedStyle(it).{what}")
    return found


def test_the_chart_of_gains_has_discs_whiskers_a_front_and_sizes(board: Any) -> None:
    chart = board.locator(".gained .chart")
    assert chart.locator("a.to-point").count() == 6
    assert chart.locator("a.to-point.base").count() == 1
    assert chart.locator("a.to-point.pale").count() == 2
    assert chart.locator(".bar line").count() == 5
    assert chart.locator(".stem line").count() == 5
    assert chart.locator("path.front, .front path").count() == 1
    radii = chart.locator("a.to-point circle").evaluate_all("all => all.map(each => Number(each.getAttribute('r')))")
    assert min(radii) < max(radii)
    assert chart.locator(".legend text").all_text_contents()[-1] == "94 s"
    ticks = chart.locator("[data-part='x-axis tick label'] text").all_text_contents()
    assert max(float(tick.replace("−", "-")) for tick in ticks) <= 100


def test_names_in_the_chart_of_gains_lie_on_no_disc(board: Any) -> None:
    found = board.evaluate(OVERLAPS)
    assert found[0] >= 5
    assert found[1:] == [False, False]


def test_a_point_that_is_reached_by_key_tells_its_numbers_and_leads_to_its_row(board: Any) -> None:
    point = board.locator(".gained a.to-point[aria-label^='promot_rte']")
    point.focus()
    tip = board.locator(".gained .focused")
    tip.wait_for(state="attached")
    told = point.get_attribute("aria-label")
    assert [told.startswith("promot_rte, gained "), "of training" in told] == [True, True]
    assert "promot_rte" in tip.text_content()
    board.keyboard.press("Tab")
    assert board.locator(".gained .focused").count() <= 1
    point.focus()
    board.keyboard.press("Enter")
    assert board.locator("h1").inner_text() == "promot_rte"


def test_a_point_that_is_pointed_at_tells_its_numbers(board: Any) -> None:
    board.locator(".ranking .disc circle").first.hover()
    tip = board.locator(".ranking [aria-label=tip] text")
    tip.wait_for()
    assert "promot_rte" in tip.text_content()
    assert "place 1" in tip.text_content()


def test_the_chart_of_places_has_a_bar_and_a_disc_for_each_row(board: Any) -> None:
    chart = board.locator(".ranking .chart")
    assert chart.locator(".label text").all_text_contents() == ["promot_rte", "finetune_rte"]
    assert chart.locator(".span line").count() == 2
    assert chart.locator(".disc circle.best").count() == chart.locator(".span line.best").count() == 1


def test_curves_have_thin_lines_for_seeds_and_a_thick_one_for_their_mean(page: Any, site: Path) -> None:
    page.goto(experiment_page(site, "promot_rte").as_uri())
    charts = page.locator(".curves .chart")
    assert charts.count() == 4
    assert charts.first.locator(".seed path").count() == 3
    assert charts.first.locator(".mean path").count() == 1
    widths = [
        page.locator(f".curves .{name} path").first.evaluate("it => parseFloat(getComputedStyle(it).strokeWidth)")
        for name in ("seed", "mean")
    ]
    assert widths[0] < widths[1]
    assert "seed 0: from" in charts.first.locator("svg.plot").get_attribute("aria-label")
    assert page.get_by_role("img", name="loss along training").count() == 2


def test_series_in_groups_stand_side_by_side_and_on_a_phone_below_each_other(drawn: Any) -> None:
    for width, places in ((1280, "x"), (380, "y")):
        page = drawn(COSINES, width=width)
        boxes = page.locator(".mean path").evaluate_all("all => all.map(each => each.getBoundingClientRect().toJSON())")
        assert len(boxes) == 4
        assert len({round(box[places]) for box in boxes}) > 1
        assert page.locator(".seed path").count() == 8
        assert page.locator(".reference line").count() == 2
        assert [key.strip() for key in page.locator(".legend .key").all_inner_texts()] == [
            "attention", "mlp", "no agreement", "thin: seeds; thick: their mean",
        ]  # fmt: skip
        for group in ("ProMoT", "fine-tuning"):
            assert page.locator("svg.plot text", has_text=group).count() >= 1
        assert not page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")


def test_points_of_a_way_are_joined_in_the_order_of_their_steps(drawn: Any) -> None:
    page = drawn(WAY)
    path = page.locator(".mean path").get_attribute("d")
    xs = [float(corner.split(",")[0]) for corner in path.replace("M", "").split("L")]
    assert xs[0] < xs[2] < xs[1]
    page.locator(".mean-dot circle").nth(1).hover()
    tip = page.locator("[aria-label=tip] text")
    tip.wait_for()
    assert "step 100" in tip.text_content()


def test_charts_follow_dark_and_light(board: Any) -> None:
    seen = []
    for scheme in ("light", "dark"):
        board.emulate_media(color_scheme=scheme)
        seen.append(
            [
                colour(board, ".gained a.to-point:not(.base) circle", "fill"),
                colour(board, ".ranking .label text", "fill"),
            ]
        )
    assert seen[0][0] != seen[1][0]
    assert seen[0][1] != seen[1][1]


def test_charts_fit_a_phone_and_a_page_that_changes_its_width(board: Any, site: Path) -> None:
    for address in ((site / "tracks/micro.html").as_uri(), experiment_page(site, "promot_rte").as_uri()):
        board.goto(address)
        for width in (1280, 380):
            board.set_viewport_size({"width": width, "height": 800})
            until(board, FITS)
        sides = board.locator(".chart svg.plot").evaluate_all(
            "all => all.map(each => [each.getBoundingClientRect().left, each.getBoundingClientRect().right])"
        )
        assert sides
        assert all(left >= 0 and right <= 380 for left, right in sides)
        assert board.locator(".chart").evaluate_all(
            "all => all.every(each => each.scrollWidth <= each.clientWidth + 1)"
        )


def test_hostile_names_are_text_in_charts(page: Any, hostile_site: Path) -> None:
    page.goto(next(hostile_site.glob("tracks/*.html")).as_uri())
    labels = page.locator(".ranking a.to-label").evaluate_all("all => all.map(each => each.getAttribute('aria-label'))")
    assert len(labels) == len(DRAWN)
    assert any("<script>alert(1)</script>" in label for label in labels)
    assert any("⟨U+202E⟩" in label for label in labels)
    page.locator(".ranking a.to-label").first.focus()
    page.locator(".ranking .focused text").wait_for(state="attached")
    assert page.locator("main script:not([type='application/json']), main img").count() == 0


def test_without_scripts_charts_are_tables(browser: Any, site: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    opened = context.new_page()
    opened.goto((site / "tracks/micro.html").as_uri())
    for figure, rows in ((".ranking", 2), (".gained", 6)):
        opened.locator(f"{figure} summary").click()
        assert opened.locator(f"{figure} tbody tr:visible").count() == rows
    context.close()


def test_a_wide_table_shows_that_it_goes_on_and_is_scrolled_with_keys(board: Any, site: Path) -> None:
    board.set_viewport_size({"width": 380, "height": 800})
    box = board.locator(".scroll.board")
    assert "gradient" in colour(board, ".scroll.board", "backgroundImage")
    assert box.evaluate("it => it.scrollWidth > it.clientWidth")
    box.focus()
    board.keyboard.press("ArrowRight")
    until(board, "document.querySelector('.scroll.board').scrollLeft > 0")
    for file in (
        "tracks/micro.html",
        str(experiment_page(site, "promot_rte").relative_to(site)),
        "tasks/micro/cb.html",
    ):
        board.goto((site / file).as_uri())
        assert board.locator(".scroll").evaluate_all(NAMELESS) == 0
