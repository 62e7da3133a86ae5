"""The line that a run changes on a terminal: the time left stays, whatever there is room for."""

from __future__ import annotations

import io

import pytest

from suite.execution.progress import PlanProgress

TITLE = "train lora on tickets · support · seed 0"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def line(monkeypatch: pytest.MonkeyPatch, columns: int) -> str:
    """What stands on a terminal within a train step."""
    monkeypatch.setenv("COLUMNS", str(columns))
    terminal = Terminal()
    progress = PlanProgress(27, terminal)
    progress.begin(TITLE)
    progress.progress(300, 300, 0.005, 100.0)
    return terminal.getvalue().rpartition("\x1b[2K")[2]


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (120, f"[1/27] {TITLE} · step 300/300 · loss 0.005 · score 100.0 · 0.0 s left"),
        (90, f"[1/27] {TITLE} · step 300/300 · loss 0.005 · 0.0 s left"),
        (62, f"[1/27] {TITLE} · 0.0 s left"),
        (40, "[1/27] train lora on tick… · 0.0 s left"),
        (12, "0.0 s left"),
    ],
)
def test_fields_are_dropped_before_the_time_left(monkeypatch: pytest.MonkeyPatch, columns: int, expected: str) -> None:
    assert line(monkeypatch, columns) == expected


def test_a_line_without_a_time_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    terminal = Terminal()
    PlanProgress(27, terminal).begin(TITLE)
    assert terminal.getvalue() == f"\r\x1b[2K[1/27] {TITLE}"[: 19 + 5]
