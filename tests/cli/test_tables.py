"""Tables fit the terminal they are printed to, and are whole anywhere else."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from suite.cli.commands.as_json import as_text
from suite.cli.commands.tables import fitted, room, wrapped
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
    assert "held-out average 4-shot  change" in head
    (told,) = (line for line in some.splitlines() if line.startswith("left out"))
    assert "variance components" in told
    assert "change" not in told  # that of the most shots is there


def test_json_is_not_cut(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    narrow(monkeypatch, 40)
    (board,) = json.loads(suite(capsys, "board", "--json", "--home", home)[1])
    assert {row["name"] for row in board["rows"]} == {"pretrained", "finetune_rte", LONG}


def test_the_name_is_cut_when_nothing_else_can_go() -> None:
    lines = [["name", "a", "b"], ["x" * 30, "1.0 ± 0.1", "2.0 ± 0.2"]]
    table = list(fitted(lines, 36, [[1]], name=0))
    assert table[2].split() == ["x" * 24 + "…", "2.0", "±", "0.2"]
    assert table[3] == "left out to fit the terminal: a"
    assert list(fitted(lines, None, [[1]], name=0))[2].endswith("2.0 ± 0.2")


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
    lines = list(fitted([["name", STEERS], [STEERS, "1"]], width, [], name=0))
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
