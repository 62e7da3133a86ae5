"""Wrong programs that set out to look right fail, each by the tests' own word, and right ones pass."""

from __future__ import annotations

import pytest

from benchmarks.faults._hostile import HOSTILE, RIGHT
from suite import sandbox
from suite.judging import Program, run_program
from suite.sandbox import Limits

pytestmark = pytest.mark.skipif(not sandbox.available(), reason="no bubblewrap here")
LIMITS = Limits(seconds=1.5)


@pytest.mark.parametrize(("name", "answer", "tests"), HOSTILE, ids=[name for name, _, _ in HOSTILE])
def test_a_wrong_program_fails(name: str, answer: str, tests: str) -> None:
    outcome = run_program(Program("", answer, tests), LIMITS)
    assert not outcome.passed
    assert not outcome.weaker
    assert outcome.reason


@pytest.mark.parametrize(("name", "answer", "tests"), RIGHT, ids=[name for name, _, _ in RIGHT])
def test_a_right_program_passes(name: str, answer: str, tests: str) -> None:
    outcome = run_program(Program("", answer, tests))
    assert (outcome.passed, outcome.weaker, outcome.reason) == (True, False, "")


def test_there_are_enough() -> None:
    assert len({answer for _, answer, _ in HOSTILE}) >= 60
