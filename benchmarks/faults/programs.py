"""Wrong programs that set out to look right, and right ones that do unusual things: none of the first passes."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Final

from benchmarks.faults._hostile import HOSTILE, RIGHT
from benchmarks.faults.trial import Outcome
from suite.judging import Program, run_program
from suite.sandbox import Limits

COUNT: Final = len(HOSTILE)
LIMITS: Final = Limits(seconds=3.0)


def trial(scratch: Path, count: int, seed: int) -> Outcome:
    """Judge hostile programs, and all right ones. More than there are is all of them; nothing is drawn."""
    told, wrong = Counter[str](), list[str]()
    for name, answer, tests in HOSTILE[:count]:
        outcome = run_program(Program("", answer, tests), LIMITS)
        told["failed" if not outcome.passed else "passed"] += 1
        if outcome.passed or outcome.weaker:
            wrong.append(f"hostile program '{name}': {'passed' if outcome.passed else 'judged in its own process'}")
    for name, answer, tests in RIGHT:
        outcome = run_program(Program("", answer, tests), LIMITS)
        told["right ones passed"] += outcome.passed
        if not outcome.passed:
            wrong.append(f"right program '{name}': {outcome.reason}")
    return Outcome(min(count, len(HOSTILE)), dict(told), tuple(wrong))
