"""Wrong programs that try to pass or to do harm, and right programs that do unusual things."""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final
from unittest.mock import patch

from benchmarks.faults._hostile import HOSTILE, PLACES
from benchmarks.faults._unusual import RIGHT
from benchmarks.faults.trial import Outcome
from suite.sandbox.bubblewrap import Limits
from suite.sandbox.judging import Program, run_program

COUNT: Final = len(HOSTILE)
LIMITS: Final = Limits(seconds=3.0)
PATIENCE: Final = 2.0
"""Seconds to wait for the end of killed processes."""


def trial(scratch: Path, count: int, seed: int) -> Outcome:
    """Judge `count` hostile programs (at most all), and all right ones; nothing is random."""
    told, wrong = Counter[str](), list[str]()
    with patch.object(tempfile, "tempdir", str(scratch)):
        for name, answer, tests in HOSTILE[:count]:
            outcome = run_program(Program("", answer, tests), LIMITS)
            told["failed" if not outcome.passed else "passed"] += 1
            if outcome.passed or outcome.weaker:
                wrong.append(f"hostile program '{name}': {'passed' if outcome.passed else 'judged in its own process'}")
            wrong += [f"hostile program '{name}' left {each}" for each in left(scratch)]
        for name, answer, tests in RIGHT:
            outcome = run_program(Program("", answer, tests), LIMITS)
            told["right ones passed"] += outcome.passed
            if not outcome.passed:
                wrong.append(f"right program '{name}': {outcome.reason}")
    return Outcome(min(count, len(HOSTILE)), dict(told), tuple(wrong))


def left(scratch: Path) -> Iterator[str]:
    """What sandboxes with files in a folder left behind: files, processes, and files on the host."""
    yield from map(str, scratch.iterdir())
    yield from (str(file) for place in PLACES if (file := Path("/") / place / "suite-was-here").exists())
    deadline = time.monotonic() + PATIENCE
    while (found := processes(scratch)) and time.monotonic() < deadline:
        time.sleep(0.01)
    yield from (f"the process {number}" for number in found)


def processes(scratch: Path) -> list[str]:
    """Ids of processes with the folder in their command line."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended
            if str(scratch).encode() in (folder / "cmdline").read_bytes():
                found.append(folder.name)
    return found
