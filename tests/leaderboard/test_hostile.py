"""Whatever stands in the store, pages stay pages: text is inert, files stay in their folder."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import pytest

from leaderboard import SiteContext, render
from leaderboard.view.text import passage, visible
from leaderboard.view.urls import slugs
from suite.analysis.claims import Verdict
from suite.results.store import AnswerRecord, Store
from tests.leaderboard.filled import BASE, LEARNABLE, METHODS, Filling
from tests.leaderboard.reading import Element, charts, chunk, experiment_page, loaded, read, scores

SCRIPT = "</td></table><script>alert(1)</script><img src=x onerror=alert(2)>"
BREAKOUT = "\"' onmouseover='alert(3)' x=\"{{ 7 * 7 }}"
TRICKS = "abc\u202egnp.exe\u200b\u2066x\x00\x1b[31m\ufeff"
LONG = "y" * 1_000_000
OUTPUTS = (
    SCRIPT,
    BREAKOUT,
    TRICKS,
    LONG,
    "javascript:alert(4)",
    "",
    "<!--",
    "]]>",
    "&lt;b&gt;",
    "</script>\u2028<!--<script>",
)
DRAWN = (SCRIPT + BREAKOUT, TRICKS.replace("\x00", "") + SCRIPT)
"""Names of rows that charts have."""


def _reword(answer: AnswerRecord) -> AnswerRecord:
    text = OUTPUTS[answer.doc_id % len(OUTPUTS)].replace("\x00", "")
    return replace(answer, output=text, parsed=text[:50], question=text, target=text)


def hostile(out: Path) -> Path:
    """The site of a store full of texts that would break out."""
    with Store.open("sqlite://") as store:
        bad = "../../../evil" + SCRIPT
        filling = Filling(
            store, track="../../t" + BREAKOUT, title=SCRIPT, documents=10, reword=_reword, imported=True,
            deviations=(SCRIPT, LONG), target_documents=LEARNABLE,
            failing=frozenset({(bad, 0)}), reason=SCRIPT + TRICKS + LONG,
        )  # fmt: skip
        filling.add("pretrained", "pretrained", BASE, (0,), about=LONG)
        filling.add(
            bad, "lora", METHODS["lora"], (0,), source="javascript:alert(5)//" + SCRIPT, about=BREAKOUT,
            variant="../../v/",
        )  # fmt: skip
        filling.add("lora_rte", BREAKOUT, METHODS["lora"], (0, 1), source="=HYPERLINK(1)", changes={SCRIPT: TRICKS})
        for name in DRAWN:
            filling.add(name, "lora", METHODS["lora"], (0,))
        claims = [
            Verdict(
                BREAKOUT, SCRIPT, LONG, TRICKS, track, "fails", SCRIPT, 1.0, experiments={BREAKOUT: None, bad: SCRIPT}
            )
            for track in (filling.track, SCRIPT)
        ]
        context = SiteContext(methods={"lora": SCRIPT}, claims=claims, unread=[SCRIPT + BREAKOUT, TRICKS + LONG])
        return render(store, out, context).parent


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return hostile(tmp_path_factory.mktemp("hostile") / "home" / "site")


def _pages(site: Path) -> list[Element]:
    return [read(file) for file in sorted(site.rglob("*.html"))]


def test_no_stored_text_becomes_an_element_or_an_attribute(site: Path) -> None:
    for page in _pages(site):
        data = [json.loads(script.text) for script in page.all("script") if "src" not in script.attributes]
        assert all(each["kind"] in ("scatter", "ranks", "lines") for each in data)
        scripts = [script.attributes["src"].split("static/")[-1] for script in page.all("script")[: -len(data) or None]]
        assert scripts[0] == "suite.js"
        assert set(scripts[1:]) <= {
            "table.js", "board.js", "criteria.js", "tips.js", "rows.js", "answers.js", "compare.js", "charts.js",
            "vendor/d3.min.js", "vendor/plot.umd.min.js",
        }  # fmt: skip
        assert not page.all("img", "iframe", "object", "style", "base", "form")
        handlers = [name for element in page.all() for name in element.attributes if name.startswith("on")]
        assert not handlers


def test_hostile_names_are_whole_in_charts_and_end_no_script(site: Path) -> None:
    page = next(site.glob("tracks/*.html"))
    points, rows = charts(read(page), "scatter")[0]["points"], charts(read(page), "ranks")[0]["rows"]
    assert {row["name"] for row in rows} == set(DRAWN) <= {point["name"] for point in points}
    assert all(
        block.partition("</script>")[0].isascii() and "<" not in block.partition("</script>")[0]
        for block in page.read_text(encoding="utf-8").split('<script type="application/json">')[1:]
    )


def test_hostile_claims_are_told_in_full_and_stay_text(site: Path) -> None:
    page = read(site / "claims.html")
    assert page.text.count("abc⟨U+202E⟩gnp.exe⟨U+200B⟩") >= 3
    assert SCRIPT in page.with_class("says")[0].text
    assert len(page.with_class("judged")) == 2
    assert page.with_class("unread")[0].text.endswith(SCRIPT + BREAKOUT)
    assert (site / "claims.html").stat().st_size < 100_000


def test_links_lead_to_files_of_the_site_only(site: Path) -> None:
    for file in sorted(site.rglob("*.html")):
        for element in read(file).all():
            for name in ("href", "src"):
                target = element.attributes.get(name, "#").partition("#")[0]
                if target and target != "data:,":
                    assert ":" not in target
                    there = (file.parent / target).resolve()
                    assert there.is_relative_to(site)
                    assert there.is_file()


def test_no_file_is_written_outside_the_site(site: Path) -> None:
    assert [item.name for item in site.parent.iterdir()] == ["site"]
    names = [part for file in site.rglob("*") for part in file.relative_to(site).parts]
    assert not [name for name in names if name.startswith("..") or len(name) > 150]


def test_invisible_and_direction_changing_characters_are_shown_as_codes(site: Path) -> None:
    text = "".join(file.read_text(encoding="utf-8") for file in site.rglob("*.html"))
    assert not [hex(ord(c)) for c in "\u202e\u200b\u2066\ufeff\x1b\x00" if c in text]
    assert "abc⟨U+202E⟩gnp.exe⟨U+200B⟩" in text


def test_a_megabyte_in_one_line_leaves_pages_and_chunks_small(site: Path) -> None:
    assert max(file.stat().st_size for file in site.rglob("*.html")) < 400_000
    assert max(file.stat().st_size for file in (site / "answers").rglob("*.js")) < 100_000
    name = scores(site, "pretrained", next((site / "rows").iterdir()).name)["cb.1"]["sheet"]
    assert [2000, 998_000] in [each[1:] and [len(each[0]), each[1]] for each in chunk(site, name)[0]["outputs"]]


def test_no_stored_text_ends_a_script_or_a_line_of_one(site: Path) -> None:
    for file in sorted(site.rglob("*.js")):
        if "static" not in file.parts:
            text = file.read_text(encoding="utf-8")
            assert text.isascii()
            assert "<" not in text
            assert text.count("\n") == 1
            assert loaded(file)[0] == str(file.relative_to(site))


def test_a_spreadsheet_takes_no_text_for_a_formula(site: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(next(site.glob("data/*.csv")).read_text(encoding="utf-8"))))
    assert len(rows) == 5
    assert "'=HYPERLINK(1)" in [row["source"] for row in rows]


def test_an_import_says_so(site: Path) -> None:
    track = next((site / "experiments").iterdir()).name
    assert "imported" in read(site / f"tracks/{track}.html").text
    assert "Imported" in read(experiment_page(site, "lora_rte", track)).text


def test_file_names_never_meet() -> None:
    names = ["a", "A", "a/b", "a-b", "..", ".", "", "a" * 300, "a" * 301, "CON\n"]
    made = list(slugs(names).values())
    assert len({name.casefold() for name in made}) == len(names)
    assert all(name and set(name) <= set("abcdefghijklmnopqrstuvwxyzACON0123456789+_.-") for name in made)


def test_a_short_text_is_whole_and_a_long_one_is_folded_then_cut() -> None:
    assert passage("short").head == "short"
    assert passage("z" * 1000).body == "z" * 1000
    assert passage("z" * 5000).omitted == 3000
    assert visible("tab\tline\nok é 日本") == "tab\tline\nok é 日本"
