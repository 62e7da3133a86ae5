"""Descriptions of charts: what they hold, what they leave out, and the files that draw them."""

from __future__ import annotations

import hashlib
import json
import math
from importlib import resources
from pathlib import Path

import pytest

from benchmarks import render as bench
from leaderboard import SiteContext
from leaderboard.build import writer
from leaderboard.build.cache import PageCache
from leaderboard.build.site import Page, site
from leaderboard.charts.chart import ends
from leaderboard.charts.lines import Point, Reference, Series, lines
from leaderboard.charts.tradeoff import CROWD, TradeoffPoint, tradeoff
from suite.results.store import Store
from suite.stats import Estimate
from tests.leaderboard.filled import Rendered
from tests.leaderboard.reading import charts, read

VENDOR = resources.files("leaderboard").joinpath("static/vendor")


def dot(name: str, x: float, y: float) -> TradeoffPoint:
    return TradeoffPoint(name, f"{name}.html", *(Estimate.even(each, 5.0, "seeds") for each in (x, y)), False, 3.0, 0)


def test_a_value_has_the_ends_of_its_interval_if_it_has_one() -> None:
    assert ends(Estimate(-8.0, -15.25, 1.0, "seeds")) == [-8.0, -15.25, 1.0]
    assert ends(Estimate(98.0, None, None, "seeds")) == [98.0]


def test_in_a_crowd_only_the_front_has_intervals() -> None:
    dots = [dot(f"row{at}", 50.0 + at / 10, 50.0 + at / 10) for at in range(CROWD + 1)]
    found = tradeoff(dots, "x", "y")
    assert found is not None
    points = found.chart.described["points"]
    assert [len(point["x"]) for point in points] == [1] * CROWD + [3]
    assert found.best == (f"row{CROWD}",)
    assert found.omitted == 0


def test_the_table_of_a_huge_crowd_says_how_many_it_leaves_out() -> None:
    found = tradeoff([dot(f"row{at}", 50.0 + at / 10, 50.0) for at in range(150)], "x", "y")
    assert found is not None
    assert [each.name for each, _ in found.rows] == ["row149"]
    assert found.omitted == 149


def test_a_missing_value_is_a_gap_and_what_is_not_finite_is_missing() -> None:
    chart = lines("loss", "step", "", [Series("loss", {"seed 0": [Point(1, 2.0), Point(2, None), Point(3, math.nan)]})])
    assert chart is not None
    assert chart.described["series"][0]["seeds"][0]["points"] == [[1, 2.0], [2, None], [3, None]]
    json.dumps(chart.described, allow_nan=False)
    assert lines("loss", "step", "", [Series("loss", {"seed 0": [Point(1, math.inf)]})]) is None


def test_a_chart_says_in_words_where_its_lines_go() -> None:
    followed = Series("cosine", {"seed 0": [Point(0, 0.5), Point(100, -0.25)]}, group="attention")
    chart = lines("Cosine", "step", "", [followed], [Reference("none", 0.0)])
    assert chart is not None
    assert chart.label == "Cosine. attention, cosine, seed 0: from 0.5 at step 0 to −0.25 at step 100. none: 0."


def test_points_of_a_way_keep_their_steps() -> None:
    chart = lines(
        "way", "target", "held-out", [Series("way", {"seed 0": [Point(50.0, 80.0, 10), Point(40.0, 70.0, 20)]})]
    )
    assert chart is not None
    assert chart.described["series"][0]["seeds"][0]["points"] == [[50.0, 80.0, 10], [40.0, 70.0, 20]]


def test_the_library_is_what_was_published() -> None:
    told = VENDOR.joinpath("VENDORED.txt").read_text(encoding="utf-8")
    sums = dict(reversed(line.split("  ")) for line in told.splitlines() if len(line.split("  ")[0]) == 64)
    assert set(sums) == {each.name for each in VENDOR.iterdir()} - {"VENDORED.txt"}
    for name, wanted in sums.items():
        assert hashlib.sha256(VENDOR.joinpath(name).read_bytes()).hexdigest() == wanted, name


def test_only_pages_with_a_chart_load_the_library(rendered: Rendered) -> None:
    with_chart, without = 0, 0
    for file in rendered.folder.rglob("*.html"):
        page = read(file)
        loads = [each for each in page.all("script") if "/vendor/" in each.attributes.get("src", "")]
        assert all("defer" in each.attributes for each in loads)
        assert bool(loads) == bool(page.with_class("chart")), file
        with_chart, without = with_chart + bool(loads), without + (not loads)
    assert with_chart
    assert without


def test_the_page_of_a_large_track_with_all_it_loads_is_less_than_a_megabyte(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "DOCUMENTS", 2)
    with Store.open("sqlite://") as store:
        bench.fill(store, range(300))
        page = next(
            item
            for item in site(store, SiteContext(), PageCache(Path()))
            if getattr(item, "path", "") == "tracks/large.html"
        )
    assert isinstance(page, Page)
    text = writer._page(writer._environment(SiteContext()), page)
    tree = read(text)
    assert len(charts(tree, "scatter")[0]["points"]) == 300
    names = [each.attributes.get("src") or each.attributes.get("href", "") for each in tree.all("script", "link")]
    static = dict(writer._static())
    loaded = [static[name.split("static/")[1]] for name in names if "static/" in name]
    assert len(loaded) == 10
    # a point is some 130 bytes: the points of 700 more rows have room
    assert len(text.encode()) + sum(map(len, loaded)) < 930_000
