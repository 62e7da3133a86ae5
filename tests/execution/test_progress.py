"""The line that a run changes on a terminal: the time left stays, whatever there is room for."""

from __future__ import annotations

import io

import pytest

from suite.execution.progress import PlanProgress
from suite.execution.remaining import Remaining

TITLE = "train lora on tickets · support · seed 0"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def line(monkeypatch: pytest.MonkeyPatch, columns: int) -> str:
    """What stands on a terminal within a train step."""
    monkeypatch.setenv("COLUMNS", str(columns))
    terminal = Terminal()
    progress = PlanProgress(27, terminal).of_step("a")
    progress.begin(TITLE)
    progress.progress(300, 300, 0.005, 100.0)
    return terminal.getvalue().rpartition("\x1b[2K")[2]


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (120, f"[1/27] {TITLE} · step 300/300 · loss 0.005 · score 100.0 · 0.0 s left"),
        (90, f"[1/27] {TITLE} · step 300/300 · loss 0.005 · 0.0 s left"),
        (80, f"[1/27] {TITLE} · step 300/300 · 0.0 s left"),
        (62, "[1/27] train lora on tickets · step 300/300 · 0.0 s left"),
        (40, "[1/27] train lora on tick… · 0.0 s left"),
        (12, "0.0 s left"),
    ],
)
def test_fields_are_dropped_before_the_time_left(monkeypatch: pytest.MonkeyPatch, columns: int, expected: str) -> None:
    assert line(monkeypatch, columns) == expected


def test_a_line_without_a_time_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    terminal = Terminal()
    PlanProgress(27, terminal).of_step("a").begin(TITLE)
    assert terminal.getvalue() == f"\r\x1b[2K[1/27] {TITLE}"[: 19 + 5]


LONG = "micro_openbookqa 0-shot · prompt_tuning on rte + finetune on rte · micro · seed 0"


@pytest.mark.parametrize("columns", range(20, 130, 3))
def test_an_evaluation_says_how_far_it_is_and_no_field_is_cut(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    terminal = Terminal()
    progress = PlanProgress(27, terminal).of_step("a")
    progress.begin(LONG)
    terminal.truncate(0)
    progress.shown = 1e-9  # as if the last line were long ago
    progress.answered(64, 128, 12_800, 10.0)
    shown = terminal.getvalue().rpartition("\x1b[2K")[2]
    assert len(shown) < columns
    title, *fields = shown.removeprefix("[1/27] ").split(" · ")
    known = [*LONG.split(" · "), "documents 64/128", "1,280 tokens/s", "10 s left"]
    assert fields == [field for field in known[1:] if field in fields]
    assert fields[-1:] in (["10 s left"], [])
    if columns >= 80:
        assert "documents 64/128" in fields
        assert title == "micro_openbookqa 0-shot"


def test_elsewhere_lines_of_an_evaluation_are_sparse() -> None:
    out, logged = io.StringIO(), list[str]()
    progress = PlanProgress(27, out, log=logged.append).of_step("a")
    progress.begin(LONG)
    for documents in range(128):
        progress.answered(documents, 128, 100 * documents, 0.1)
    assert out.getvalue() == ""
    progress.shown -= 11
    progress.logged -= 11
    progress.answered(128, 128, 12_800, 20.0)
    assert out.getvalue() == f"[1/27] {LONG} · documents 128/128 · 640 tokens/s · 0.0 s left\n"
    assert logged[1:] == ["documents 128/128 · 640 tokens/s · 0.0 s left"]


def test_several_steps_have_a_line_each_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    terminal = Terminal()
    plan = PlanProgress(27, terminal)
    plan.remaining.workers = 2
    train, answer = plan.of_step("a"), plan.of_step("b")
    train.begin("train lora")
    answer.begin("micro_cb 1-shot · lora")
    train.progress(300, 300, 0.005)
    assert terminal.getvalue().rpartition("\x1b[1A\x1b[2K")[2].splitlines() == [
        "[1/27] train lora · step 300/300 · loss 0.005",
        "[2/27] micro_cb 1-shot · lora",
        "2 steps at a time · 0.0 s left",
    ]
    terminal.truncate(0)
    plan.end("a", "train lora", "done", 3.0)
    assert terminal.getvalue().lstrip("\0") == "\r" + "\x1b[2K\x1b[1A" * 2 + "\x1b[2K[1/27] train lora · done · 3.0 s\n"
    monkeypatch.setenv("LINES", "2")
    plan.of_step("c").begin("third")
    assert terminal.getvalue().splitlines()[-1].endswith("\x1b[2K2 steps at a time · 0.0 s left")


def test_in_a_log_lines_of_several_steps_have_their_titles() -> None:
    logged: list[str] = []
    plan = PlanProgress(27, io.StringIO(), log=logged.append)
    train, answer = plan.of_step("a"), plan.of_step("b")
    train.begin("train lora")
    answer.begin("micro_cb")
    train.progress(1, 1, 0.5)
    assert logged == ["[1/27] train lora", "[2/27] micro_cb", "[1/27] train lora · step 1/1 · loss 0.500 · 0.0 s left"]


def test_the_time_left_is_not_computed_again_soon_where_that_takes_long(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr("suite.execution.progress.time.monotonic", lambda: now[0])

    class Slow(Remaining):
        def left(self) -> float:
            now[0] += 0.5
            return now[0]

    plan = PlanProgress(27, io.StringIO(), remaining=Slow())
    assert plan.seconds_left() == 1000.5
    now[0] += 4.9
    assert plan.seconds_left() == 1000.5
    now[0] += 0.2
    assert plan.seconds_left() == now[0]


def test_with_many_steps_at_a_time_each_has_fewer_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr("suite.execution.progress.time.monotonic", lambda: now[0])
    logged: list[str] = []
    plan = PlanProgress(100, io.StringIO(), log=logged.append)
    steps = [plan.of_step(str(number)) for number in range(60)]
    for step in steps:
        step.begin("train")
    logged.clear()
    for second in range(1, 121):
        now[0] = 1000.0 + second
        for step in steps:
            step.progress(second, 200, 0.5)
    assert len(logged) == 60 * 2  # a line of each in a minute
