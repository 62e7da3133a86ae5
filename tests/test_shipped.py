"""Records that come with suite: marked on the site, mentioned by the tables, and no path of the machine on any page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from suite.results.store import Store
from suite.specs.workspace import published
from tests.cli.calls import suite
from tests.leaderboard.filled import BASE, METHODS, Filling

LINE = "shipped records that are not in this store, but on its site: "


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "home").mkdir()
    with Store.open(tmp_path / "home" / "suite.db") as store:
        filling = Filling(store, documents=2)
        filling.add("pretrained", "pretrained", BASE, (0,))
        filling.add("lora_rte", "lora", METHODS["lora"], (0, 1))
    return tmp_path / "home"


def remarks(text: str) -> list[str]:
    return [line.removeprefix(LINE) for line in text.splitlines() if line.startswith(LINE)]


def test_tables_mention_what_the_site_alone_shows(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    for command in (["show"], ["board"]):
        (line,) = remarks(suite(capsys, *command, "--home", home)[1])
        assert line.startswith(
            "micro2 (71), micro2-t5 (71), smol-cpu (7), smol-t2-cpu (2), smol-tickets (16); `suite import "
        )
        assert remarks(suite(capsys, *command, "--track", "micro", "--home", home)[1]) == []
        assert json.loads(suite(capsys, *command, "--json", "--home", home)[1])
    (line,) = remarks(suite(capsys, "compare", "pretrained", "lora_rte", "--home", home)[1])
    assert line.startswith("micro2 (6), micro2-t5 (6), smol-cpu (1), smol-t2-cpu (1); ")
    (line,) = remarks(suite(capsys, "show", "lora_rte", "--home", home)[1])
    assert line.startswith("micro2 (5), micro2-t5 (5); `suite import ")
    (home / "suite.db").unlink()
    with Store.open(home / "suite.db") as store:
        Filling(store, documents=2).add("mine", "lora", METHODS["lora"], (0,))
    assert remarks(suite(capsys, "show", "mine", "--home", home)[1]) == []


def test_who_asks_for_a_shipped_row_is_told_where_it_is(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    for command in (
        ["show", "svf_reasoning"],
        ["compare", "pretrained", "svf_reasoning"],
        ["board", "--track", "smol-t2-cpu"],
        ["check", "specs/claims/promot.yaml", "--track", "smol-t2-cpu"],
    ):
        code, _, err = suite(capsys, *command, "--home", home)
        assert code == 2
        assert f"{LINE}smol-t2-cpu" in err
        assert len(err.splitlines()) == 1


def test_the_command_that_is_told_ends_the_remark(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    (line,) = remarks(suite(capsys, "show", "--home", home)[1])
    command = line.partition("`suite ")[2].partition("`")[0].split()
    assert suite(capsys, *command, "--home", home)[0] == 0
    out = suite(capsys, "show", "--home", home)[1]
    assert "svf_reasoning" in out
    assert remarks(out) == []


def test_the_site_marks_them_unless_they_were_imported(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    assert suite(capsys, "render", "--home", home)[0] == 0
    front = (home / "site" / "index.html").read_text(encoding="utf-8")
    assert front.count(">shipped with suite<") == 12 + 5  # of each table's rows together, and a link of each track
    assert front.index("lora_rte") < front.index("svf_reasoning")  # the store's own track comes first
    folder = published()
    assert folder is not None
    for command in (["import", folder / "smol-cpu"], ["render"]):
        code, _, err = suite(capsys, *command, "--home", home)
        assert code == 0, err
    front = (home / "site" / "index.html").read_text(encoding="utf-8")
    assert front.count(">shipped with suite<") == 10 + 4
    assert front.count(">imported<") == 2
    suite(capsys, "render", "--home", home, "--records", folder / "smol-t2-cpu")
    assert "shipped" not in (home / "site" / "index.html").read_text(encoding="utf-8")


def test_pages_name_the_database_but_no_folder_of_the_machine(
    capsys: pytest.CaptureFixture[str], home: Path, tmp_path: Path
) -> None:
    suite(capsys, "render", "--home", home)
    assert "<code>../suite.db</code>, as seen from" in (home / "site" / "about.html").read_text(encoding="utf-8")
    suite(capsys, "render", "--home", home, "--out", tmp_path / "public")
    about = (tmp_path / "public" / "about.html").read_text(encoding="utf-8")
    assert "<code>suite.db</code>, which is not" in about
    for folder in (home / "site", tmp_path / "public"):
        assert not [file for file in folder.rglob("*.*") if str(tmp_path).encode() in file.read_bytes()]
