"""Tables fit the terminal they are printed to, and are whole anywhere else."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from suite.cli.commands.as_json import as_text
from suite.cli.commands.tables import TerminalColumn, fitted, room, wrapped
from suite.core.errors import SuiteError
from suite.core.escape import latex, markdown, spreadsheet
from suite.results.store import Store
from tests.cli.calls import suite
from tests.leaderboard.filled import BASE, METHODS, Filling

LONG = "lora_of_a_very_long_name_that_says_too_much"
COMMANDS = {"board": ["board"], "show": ["show"], "one": ["show", LONG], "compare": ["compare", "pretrained", LONG]}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    with Store.open(tmp_path / "suite.db") as store:
        filling = Filling(store, documents=2)
        filling.add("pretrained", "pretrained", BASE, (0,))
        filling.add(LONG, "lora", METHODS["lora"], (0, 1))
        filling.add("finetune_rte", "finetune", METHODS["finetune"], (0, 1))
    return tmp_path


def narrow(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", str(columns))


@pytest.mark.parametrize("columns", [48, 64, 80, 120, 160])
@pytest.mark.parametrize("command", COMMANDS)
def test_no_line_is_longer_than_the_terminal_is_wide(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, home: Path, command: str, columns: int
) -> None:
    narrow(monkeypatch, columns)
    code, out, _ = suite(capsys, *COMMANDS[command], "--home", home)
    assert code == 0
    assert max(map(len, out.splitlines())) <= columns
    assert LONG[:11] in out


def test_the_least_important_columns_are_left_out_and_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    whole = suite(capsys, "board", "--home", home)[1]
    narrow(monkeypatch, 120)
    some = suite(capsys, "board", "--home", home)[1]
    assert suite(capsys, "board", "--home", home, "--wide")[1] == whole
    assert "variance components" in whole.splitlines()[1]
    assert "left out" not in whole
    head = some.splitlines()[1]
    assert "variance components" not in head
    told = " ".join(some[some.index("left out") : some.index("(--wide")].split())
    assert "variance components" in told
    assert "change 1-shot" in told  # that of the most shots is there
    assert "variance components:" in whole.split("\n\n")[-2]  # its legend, which goes with it
    assert "variance components:" not in some


def test_json_is_not_cut(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    narrow(monkeypatch, 40)
    (board,) = json.loads(suite(capsys, "board", "--json", "--home", home)[1])
    assert {row["name"] for row in board["rows"]} == {"pretrained", "finetune_rte", LONG}


def test_markdown_has_all_columns_and_no_markup_of_others(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with Store.open(tmp_path / "suite.db") as store:
        filling = Filling(store, documents=2, title="a <b>title</b> | of two")
        filling.add("pretrained", "pretrained", BASE, (0,))
        filling.add("finetune_rte", "finetune", METHODS["finetune"], (0, 1))
    code, out, _ = suite(capsys, "board", "--markdown", "--home", tmp_path)
    assert code == 0
    title, _, head, rule, *rows = out.splitlines()
    assert title == r"### a \<b\>title\</b\> \| of two"
    assert "| variance components 4-shot |" in head
    assert {line.count("|") for line in (head, rule, *rows[:2])} == {head.count("|")}
    assert r"| finetune\_rte | 2 | rte " in "\n".join(rows)
    assert out.endswith("</details>\n")
    code, _, err = suite(capsys, "board", "--markdown", "--json", "--home", tmp_path)
    assert (code, err) == (2, "error: suite board: takes one of --json and --markdown; leave one out\n")


@pytest.mark.parametrize(("columns", "expected"), [(48, "change"), (64, "target change"), (80, "target gain change")])
def test_target_gain_and_change_stay_longest(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, home: Path, columns: int, expected: str
) -> None:
    narrow(monkeypatch, columns)
    out = suite(capsys, "board", "--home", home)[1]
    heads = " ".join(out[: out.index("----")].split())
    for head in expected.split():
        assert head in heads, out


def test_a_board_says_what_was_gained_and_what_it_cost(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    out = suite(capsys, "board", "--home", home)[1]
    head, _, *rows = [re.split(" {2,}", line) for line in out.splitlines()[1:5]]
    pretrained, tuned = (dict(zip(head, row, strict=True)) for row in rows)
    score, before = (float(row["target"].split()[1]) for row in (tuned, pretrained))
    assert tuned["gain"].split()[0] == f"{score - before:+.1f}"
    assert (pretrained["gain"], pretrained["time"]) == ("–", "–")
    assert {tuned[name] for name in ("trained", "memory", "size", "time")}.isdisjoint({"–"})


def test_the_name_is_cut_when_nothing_else_can_go() -> None:
    columns = [
        TerminalColumn("name", ["x" * 30], cut=True),
        TerminalColumn("a", ["1.0 ± 0.1"], 1),
        TerminalColumn("b", ["2.0 ± 0.2"]),
    ]
    table = fitted(columns, 33).lines
    assert table[2].split() == ["x" * 21 + "…", "2.0", "±", "0.2"]
    assert table[3].startswith("left out to fit the terminal: a")
    assert fitted(columns, None).lines[2].endswith("2.0 ± 0.2")


def test_heads_and_cells_are_broken_before_a_column_is_left_out() -> None:
    columns = [
        TerminalColumn("name", ["x"]),
        TerminalColumn("held-out average 4-shot", ["1.0"]),
        TerminalColumn("target", [("a 1.0", "b 2.0")]),
    ]
    assert fitted(columns, None).lines == (
        "name  held-out average 4-shot  target",
        "----  -----------------------  ------------",
        "x     1.0                      a 1.0, b 2.0",
    )
    assert fitted(columns, 24).lines == (
        "      held-out",
        "      average",
        "name  4-shot    target",
        "----  --------  ------",
        "x     1.0       a 1.0",
        "                b 2.0",
    )


def test_a_narrow_column_takes_the_room_that_a_wide_one_leaves() -> None:
    columns = [TerminalColumn("name", ["x"]), TerminalColumn("wide", ["1" * 30], 2), TerminalColumn("p", ["0.1"], 1)]
    assert fitted(columns, 20).lines[0] == "name  p"


def test_a_pipe_has_any_width(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    assert room() is None
    narrow(monkeypatch, 40)
    assert (room(), room(wide=True)) == (40, None)
    assert list(wrapped(["a long line of some words"], 12)) == ["a long line", "  of some", "  words"]


STEERS = "\x1b[31ma\x9bb\u202ec\nd\te\x00f\u2066"
SHOWN = r"\x1b[31ma\x9bb\u202ec d e\x00f\u2066"


@pytest.mark.parametrize("width", [None, 300])
def test_no_text_of_a_table_steers_the_terminal(width: int | None) -> None:
    lines = fitted([TerminalColumn("name", [STEERS]), TerminalColumn(STEERS, ["1"])], width).lines
    assert [line.split("  ")[-1] for line in lines[:1]] == [SHOWN]
    assert lines[2].startswith(SHOWN)
    assert list(wrapped([STEERS], width)) == [SHOWN]


def test_letters_of_any_script_are_shown_as_they_are() -> None:
    text = "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645 é 中文 👩\u200d🔬"
    assert list(wrapped([text], None)) == [text]


def test_an_error_steers_no_terminal() -> None:
    assert str(SuiteError(STEERS, where="a\x1bb", fix="c\u202ed")) == rf"a\x1bb: {SHOWN}; c\u202ed"


def test_json_says_the_same_and_steers_no_terminal() -> None:
    text = as_text([STEERS, {"é": 1}])
    assert json.loads(text) == [STEERS, {"é": 1}]
    assert not [each for each in text if each != "\n" and not each.isprintable()]


@pytest.mark.parametrize("write", [markdown, latex, spreadsheet])
def test_no_text_of_a_paper_table_steers_the_terminal(write: Callable[[str], str]) -> None:
    assert not [each for each in write(STEERS) if each not in "\n\t" and not each.isprintable()]


@pytest.mark.parametrize(
    "text", ["=1", "+1", "-1", "@a", "\t=1", "\r=1", "\n=1", "\uff1d1", "\uff0b1", "\uff0d1", "\uff20a"]
)
def test_no_cell_is_a_formula(text: str) -> None:
    assert spreadsheet(text) == f"'{text}"
