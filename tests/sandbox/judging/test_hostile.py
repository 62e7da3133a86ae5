"""Wrong programs that set out to look right fail, each by the tests' own word, and right ones pass."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from benchmarks.faults._hostile import HOSTILE
from benchmarks.faults._unusual import RIGHT
from suite.sandbox import bubblewrap
from suite.sandbox.bubblewrap import Limits
from suite.sandbox.judging import Program, ProgramOutcome, run_program

pytestmark = pytest.mark.skipif(not bubblewrap.available(), reason="no bubblewrap here: apt install bubblewrap")


@pytest.fixture(scope="module")
def outcomes() -> dict[str, ProgramOutcome]:
    """Judged side by side: some take all their time."""
    programs = {name: Program("", answer, tests) for name, answer, tests in HOSTILE}
    with ThreadPoolExecutor(8) as pool:
        return dict(
            zip(programs, pool.map(lambda each: run_program(each, Limits(2.0)), programs.values()), strict=True)
        )


@pytest.mark.parametrize("name", [name for name, _, _ in HOSTILE])
def test_a_wrong_program_fails(name: str, outcomes: dict[str, ProgramOutcome]) -> None:
    outcome = outcomes[name]
    assert not outcome.passed
    assert not outcome.weaker
    assert outcome.reason


@pytest.mark.parametrize(("name", "answer", "tests"), RIGHT, ids=[name for name, _, _ in RIGHT])
def test_a_right_program_passes(name: str, answer: str, tests: str) -> None:
    outcome = run_program(Program("", answer, tests))
    assert (outcome.passed, outcome.weaker, outcome.reason) == (True, False, "")


def test_there_are_enough() -> None:
    assert len({answer for _, answer, _ in HOSTILE}) >= 60
