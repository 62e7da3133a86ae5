"""A run that is told to end keeps its work; one that waits says at once for whom."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from suite.execution.progress import PlanProgress
from suite.execution.waiting import Waiting
from suite.planning import Step
from suite.results.store import Owner, StepRecord, Store
from tests.cli.calls import SMALL, start
from tests.execution.test_run import rows, until

LONG = [*SMALL, "--set", "method.steps=100000"]
TRAINING = "SELECT status, reason FROM step WHERE kind = 'train'"


def training(home: Path) -> bool:
    return bool(rows(home, "SELECT 1 FROM step WHERE kind = 'train' AND seconds > 0.5"))


@pytest.mark.parametrize(("name", "code"), [("SIGTERM", 143), ("SIGHUP", 129)])
def test_it_ends_as_by_the_keyboard(name: str, code: int, tmp_path: Path) -> None:
    process = start("run", "specs/finetune_rte.yaml", "--track=micro", "--home", tmp_path, *LONG)
    until(lambda: training(tmp_path))
    process.send_signal(signal.Signals[name])
    out, err = process.communicate(timeout=100)
    assert process.returncode == code
    assert "Traceback" not in err
    told = [line for line in out.splitlines() if name in line]
    assert told == [f"Ended by a signal ({name}). What was finished is kept; the same command goes on from there."]
    assert rows(tmp_path, TRAINING) == [("cancelled", f"ended by a signal ({name})")]
    assert rows(tmp_path, "SELECT 1 FROM step WHERE status = 'running'") == []


def test_a_time_limit_keeps_the_work_and_says_what_is_left(tmp_path: Path) -> None:
    command = ["run", "specs/finetune_rte.yaml", "--track=micro", "--home", tmp_path, *LONG]
    process = start(*command, "--max-time", "15s", pages=True)
    out, err = process.communicate(timeout=100)
    assert (process.returncode, "Traceback" in err) == (0, False)
    (left,) = [line for line in out.splitlines() if "time limit" in line]
    assert left.startswith("The time limit was reached with ")
    assert left.endswith(" steps left. The same command goes on from there.")
    assert "\nopen " in out
    assert rows(tmp_path, "SELECT 1 FROM step WHERE status IN ('running', 'failed')") == []
    ended = rows(tmp_path, "SELECT count(*) FROM step WHERE status = 'done'")[0][0]
    waiting = rows(tmp_path, "SELECT count(*) FROM step WHERE status != 'done'")[0][0]
    assert f" with {waiting} steps left." in left
    assert f"{ended} steps done" in out


def test_a_run_that_ends_before_there_is_a_store_ends_in_order(tmp_path: Path) -> None:
    process = start(
        "run", "specs/finetune_rte.yaml", "--track=micro", "--home", tmp_path, *LONG, "--max-time", "0.001s"
    )
    out, err = process.communicate(timeout=100)
    assert (process.returncode, "error: " in err, (tmp_path / "suite.db").exists()) == (0, False, False)
    assert "The time limit was reached with " in out
    assert "\n0 steps done, 0 reused" in out


def test_a_terminal_that_is_closed_ends_it_in_order(tmp_path: Path) -> None:
    main, terminal = pty.openpty()
    command = [
        sys.executable,
        "-c",
        "from suite.cli import main; main()",
        "run",
        "specs/finetune_rte.yaml",
        "--track=micro",
    ]
    code = "import fcntl, os, sys, termios; os.setsid(); fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
    code += "os.execv(sys.argv[1], sys.argv[1:])"
    process = subprocess.Popen(
        [sys.executable, "-c", code, *command, "--home", str(tmp_path), *LONG],
        stdin=terminal, stdout=terminal, stderr=terminal, close_fds=True,
    )  # fmt: skip
    os.close(terminal)
    until(lambda: training(tmp_path))
    os.close(main)
    assert process.wait(100) == 129
    assert rows(tmp_path, TRAINING) == [("cancelled", "ended by a signal (SIGHUP)")]


def test_under_nohup_it_goes_on(tmp_path: Path) -> None:
    command = [
        "nohup",
        sys.executable,
        "-c",
        "from suite.cli import main; main()",
        "run",
        "specs/finetune_rte.yaml",
        "--track=micro",
    ]
    process = subprocess.Popen([*command, "--home", str(tmp_path), *LONG], stdout=subprocess.PIPE, text=True)
    until(lambda: training(tmp_path))
    process.send_signal(signal.SIGHUP)
    time.sleep(1.0)
    assert process.poll() is None
    process.terminate()
    process.communicate(timeout=100)
    assert process.returncode == 143


def test_other_commands_end_with_one_line(tmp_path: Path) -> None:
    code = "import suite.cli.commands.sharing as s, time; s.render_site = lambda *_: (print('busy', flush=True), "
    code += "time.sleep(60)); from suite.cli import main; main()"
    for number, told in ((signal.SIGTERM, "ended by a signal (SIGTERM)\n"), (signal.SIGINT, "Ctrl-C)\n")):
        process = subprocess.Popen(
            [sys.executable, "-c", code, "render", "--home", str(tmp_path)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert process.stdout
        assert process.stdout.readline() == "busy\n"
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
        assert process.returncode == 128 + number
        assert err.endswith(told)
        assert len(err.splitlines()) == 1


def test_a_run_says_at_once_for_whom_it_waits(tmp_path: Path) -> None:
    arguments = ["run", "specs/finetune_rte.yaml", "--track=micro", "--home", tmp_path, *LONG]
    first = start(*arguments)
    until(lambda: bool(rows(tmp_path, "SELECT 1 FROM step WHERE kind = 'train' AND status = 'running'")))
    second = start(*arguments)
    told = next(line for line in second.stderr or () if "waiting" in line)
    assert f"waiting for process {first.pid} on {Owner.here().host}, at work on 'train finetune on rte" in told
    assert " since 2" in told
    time.sleep(2.5)  # it asks again meanwhile
    for process in (second, first):
        process.terminate()
    rest = second.communicate(timeout=100)[1]
    assert "waiting" not in rest
    first.communicate(timeout=100)
    assert second.returncode == 143


class Heard:
    """Where a run's lines go."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def write(self, text: str) -> None:
        self.lines.append(text.strip())

    def flush(self) -> None:
        """Nothing is kept back."""

    def isatty(self) -> bool:
        return False


def steps(*names: str) -> list[Any]:
    return [type("Named", (), {"id": name, "title": f"train {name}"})() for name in names]


def test_a_wait_is_told_once_until_it_changes() -> None:
    heard, here = Heard(), Owner.here()
    far = replace(here, host="far", pid=7)
    todo: list[Step] = steps("a", "b", "c")
    with Store.open("sqlite://") as store:
        store.add_steps([StepRecord(step, "train", step, {}) for step in "abc"])
        waiting = Waiting(store, PlanProgress(3, heard))  # type: ignore[arg-type]
        waiting.tell(todo)
        assert heard.lines == []
        store.claim("b", str(far))
        store.claim("c", str(here))
        for _ in range(3):
            waiting.tell(todo)
        store.claim("a", str(here))
        waiting.tell(todo)
    assert len(heard.lines) == 2
    one, two = heard.lines
    assert one.startswith("waiting for process 7 on far (another machine or container), at work on 'train b' since 2")
    assert one.endswith("UTC (and for 1 more step); taken over after 2 min 00 s of silence")
    assert two.startswith(f"waiting for process {here.pid} on {here.host}, at work on 'train a' since 2")
    assert two.endswith("UTC (and for 2 more steps)")
