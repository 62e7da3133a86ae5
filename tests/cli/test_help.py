"""Help fits a terminal of 80 columns, and the list of commands says each in one whole sentence."""

from __future__ import annotations

import pytest
import typer

from suite.cli.entry import app
from tests.cli.calls import suite

COMMANDS = sorted(typer.main.get_command(app).commands)  # type: ignore[attr-defined]


@pytest.fixture(autouse=True)
def _narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_fits_80_columns(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, told, _ = suite(capsys, *command.split(), "--help")
    assert code == 0
    assert [line for line in told.splitlines() if len(line) > 80] == []
    assert not command or told.splitlines()[2].endswith(".")


def test_the_list_of_commands_cuts_no_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    _, told, _ = suite(capsys, "--help")
    lines = told.split("Commands:\n")[1].split("\n\n")[0].splitlines()
    assert len(lines) == len(COMMANDS)
    assert [line for line in lines if line.endswith("...") or not line.endswith(".")] == []
