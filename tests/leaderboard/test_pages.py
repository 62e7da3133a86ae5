"""Pages about methods, tasks and claims say what is stored and what they were told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from leaderboard import SiteContext, render
from leaderboard.charts.pareto import pareto_front
from suite.analysis.claims import Verdict
from suite.results.store import AnswerRecord, Store
from tests.leaderboard.filled import BASE, METHODS, Filling, Rendered
from tests.leaderboard.reading import read


def test_a_method_page_has_all_its_rows(rendered: Rendered) -> None:
    page = read(rendered.folder / "methods/lora.html")
    rows = [row.all("th")[0].all("a")[0].text for row in page.all("tbody")[0].all("tr")]
    assert rows == ["lora_rte", "lora_small_batch", "lora_half", "lora_broken"]
    assert "ProMoT (ICLR 2024), Table 3" in page.text


def test_a_method_page_says_what_its_module_says(store: Store, tmp_path: Path) -> None:
    Filling(store, documents=2).add("lora_rte", "lora", METHODS["lora"], (0,))
    context = SiteContext(methods={"lora": "LoRA: <low-rank> updates.\n\nDeviations: none."})
    page = read(render(store, tmp_path / "site", context=context).parent / "methods/lora.html")
    assert "LoRA: <low-rank> updates." in page.text
    assert "Deviations: none." in page.text


def test_a_task_page_has_a_prompt_all_rows_and_the_documents_most_rows_fail(rendered: Rendered) -> None:
    page = read(rendered.folder / "tasks/micro/cb.html")
    assert "cb question 0?" in page.text
    rows = page.all("tbody")[0].all("tr")
    assert len(rows) == 8
    assert len([link for link in page.all("a") if "answers.html#" in link.attributes["href"]]) == 14
    hardest = [float(row.all("td")[0].text) for row in page.with_class("answers")[0].all("tbody")[0].all("tr")]
    assert hardest == sorted(hardest)
    assert hardest[-1] < 100


def test_a_task_page_shows_the_file_that_was_run_and_no_other(store: Store, tmp_path: Path) -> None:
    Filling(store, documents=2).add("pretrained", "pretrained", BASE, (0,))
    context = SiteContext(
        templates={"file of cb": "task: micro_cb\ndoc_to_text: '{{premise}} <b>'", "another": "doc_to_text: no"}
    )
    site = render(store, tmp_path / "site", context=context).parent
    assert "doc_to_text: '{{premise}} <b>'" in read(site / "tasks/micro/cb.html").text
    assert "doc_to_text" not in read(site / "tasks/micro/wic.html").text


def test_a_task_page_counts_documents_that_are_equal(store: Store, tmp_path: Path) -> None:
    def doubled(answer: AnswerRecord) -> AnswerRecord:
        return replace(answer, doc_hash="one" if "wic" in answer.question and answer.doc_id < 3 else answer.doc_hash)

    Filling(store, documents=5, reword=doubled).add("pretrained", "pretrained", BASE, (0,))
    site = render(store, tmp_path / "site").parent
    assert "Documents5 (3 distinct)" in read(site / "tasks/micro/wic.html").with_class("facts")[0].text
    assert "Documents5" in read(site / "tasks/micro/cb.html").with_class("facts")[0].text
    assert "distinct" not in read(site / "tasks/micro/cb.html").with_class("facts")[0].text


def test_a_task_that_the_model_cannot_write_is_a_warning_wherever_its_scores_are(store: Store, tmp_path: Path) -> None:
    filling = Filling(store, documents=4, unwritable={"rte": 4, "cb": 1})
    filling.add("pretrained", "pretrained", BASE, (0,))
    filling.add("lora_rte", "lora", METHODS["lora"], (0, 1))
    site = render(store, tmp_path / "site").parent
    for page in ("index.html", "tracks/micro.html"):
        warned = [each.text for each in read(site / page).with_class("warned")]
        assert len(warned) == 2
        assert warned[0].startswith("Warning, rte: the model cannot write any right answer")
        assert warned[1].startswith("Warning, cb: the model cannot write the right answers to 1 of 4 documents")
    for role, text in (("rte", "any right answer"), ("cb", "the right answers to 1 of 4 documents")):
        (warned,) = (each.text for each in read(site / f"tasks/micro/{role}.html").with_class("warned"))
        assert f"the model cannot write {text}" in warned
    assert read(site / "tasks/micro/wic.html").with_class("warned") == []
    cell = next(each for each in read(site / "tracks/micro.html").all("td") if "4 cannot be written" in each.text)
    assert any(note.text == "4 cannot be written" for note in cell.with_class("warning"))


def test_without_claims_there_is_no_page_of_them(rendered: Rendered) -> None:
    assert not (rendered.folder / "claims.html").exists()
    assert "claims.html" not in (rendered.folder / "index.html").read_text(encoding="utf-8")


def test_claims_are_shown_with_their_verdict(store: Store, tmp_path: Path) -> None:
    Filling(store, documents=2).add("pretrained", "pretrained", BASE, (0,))
    ran = store.experiments("micro")[0].id
    claim = Verdict(
        "keeps", "It <keeps> more.", "Table 3", "change(a, 4) > 0", "micro", "undecided", "", 1.2, -3.0, 5.4, 0.4, 96,
        3, 6.1, {"pretrained": ran, "a": None},
    )  # fmt: skip
    index = render(store, tmp_path / "site", SiteContext(claims=[claim]))
    page = read(index.parent / "claims.html")
    assert page.with_class("judged")[0].text == "undecided"
    for told in ("It <keeps> more.", "keeps", "Table 3", "+1.20 [−3.00, +5.40]", "p 0.40", "96 documents, 3 seeds",
                 "minimum detectable effect 6.1", "a (not run)"):  # fmt: skip
        assert told in page.text
    links = [link.attributes["href"] for link in page.all("table")[0].all("a")]
    assert [(index.parent / link).is_file() for link in links] == [True]
    assert any(link.attributes["href"] == "claims.html" for link in read(index).all("a"))


def test_the_front_is_what_nothing_beats() -> None:
    points = [(1.0, 9.0), (5.0, 5.0), (4.0, 5.0), (5.0, 4.0), (9.0, 1.0), (0.0, 9.0)]
    assert pareto_front(points) == (0, 1, 4)
    assert pareto_front([]) == ()
    assert pareto_front([(2.0, 2.0), (2.0, 2.0)]) == (0,)


def test_a_record_that_comes_with_suite_is_marked_wherever_its_row_is(store: Store, tmp_path: Path) -> None:
    filling = Filling(store, documents=2)
    filling.add("pretrained", "pretrained", BASE, (0,))
    filling.add("lora_rte", "lora", METHODS["lora"], (0, 1))
    filling.add("finetune_rte", "finetune", METHODS["finetune"], (0,))
    ids = {record.id for record in store.experiments() if record.name == "lora_rte"}
    assert len(ids) == 2
    site = render(store, tmp_path / "site", SiteContext(shipped=frozenset(ids))).parent
    for name in ("index.html", "tracks/micro.html", "tasks/micro/cb.html", "methods/lora.html"):
        page = read(site / name)
        marked = [cell.text for cell in page.all("th") if "shipped with suite" in cell.text]
        assert marked, name
        assert all("lora_rte" in text for text in marked), name
    for name in ("index.html", "tracks/micro.html"):
        assert "1 of 3 rows is a record shipped with suite. It was not run in this store." in read(site / name).text
    assert 'id="shipped"' in (site / "about.html").read_text(encoding="utf-8")
    first = next(record.id for record in store.experiments() if record.name == "lora_rte" and record.seed == 1)
    one = render(store, tmp_path / "site", SiteContext(shipped=frozenset([first]))).parent
    assert "seed 1 shipped with suite" in read(one / "index.html").text
    none = render(store, tmp_path / "site").parent
    assert "shipped with suite" not in "".join(file.read_text(encoding="utf-8") for file in none.rglob("*.html"))


def test_the_about_page_says_what_is_out_of_scope(store: Store, tmp_path: Path) -> None:
    about = read(render(store, tmp_path / "site", SiteContext()).parent / "about.html").text
    assert "Vision-language models and tasks, for now" in about


def test_the_about_page_names_the_store_as_it_is_told(store: Store, tmp_path: Path) -> None:
    Filling(store, documents=2).add("pretrained", "pretrained", BASE, (0,))
    beside, elsewhere, none = (
        read(render(store, tmp_path / "site", SiteContext(database=name)).parent / "about.html").text
        for name in ("../suite.db", "suite.db", "")
    )
    assert "the SQLite file ../suite.db, as seen from this site’s folder" in beside
    assert "the SQLite file suite.db, which is not in a folder above this site’s" in elsewhere
    assert "SQLite" not in none
