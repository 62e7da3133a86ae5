"""Tests that tell one object from an equal one are passed apart and in one process."""

from __future__ import annotations

import pytest

from suite import sandbox
from suite.judging import Program, run_program
from suite.sandbox import Limits

pytestmark = pytest.mark.skipif(not sandbox.available(), reason="no bubblewrap here")


def judged(answer: str, tests: str, right: str | None = None) -> tuple[bool, bool]:
    outcome = run_program(Program("", answer, tests, right), Limits(seconds=10))
    return outcome.passed, outcome.weaker


@pytest.mark.parametrize(
    ("right", "wrong", "tests"),
    [
        (
            "f = lambda n: [[0] * n for _ in range(n)]",
            "f = lambda n: [[0] * n] * n",
            "m = f(2); m[0][0] = 1; assert m[1] == [0, 0]",
        ),
        ("import copy\nf = copy.deepcopy", "f = list", "a = [[1]]; b = f(a); b[0].append(2); assert a == [[1]]"),
        ("f = lambda d: d.copy()", "f = lambda d: d", "d = {1: 2}; assert f(d) == d and f(d) is not d"),
        (
            "f = lambda items: min(items)",
            "def f(items):\n  items.sort()\n  return items[0]",
            "a = [2, 1]; assert f(items=a) == 1; assert a == [2, 1]",
        ),
        (
            "f = lambda p: len(p[0])",
            "f = lambda p: [len(p[0]), p[0].clear()][0]",
            "a = [1]; assert f((a,)) == 1; assert a == [1]",
        ),
        (
            "f = lambda n: [n]",
            "import functools\nf = functools.cache(lambda n: [n])",
            "f(1).append(2); assert f(1) == [1]",
        ),
    ],
)
def test_a_copy_does_not_pass_for_the_object_where_tests_tell_them_apart(right: str, wrong: str, tests: str) -> None:
    assert judged(right, f"\n{tests}", right=right) == (True, False)
    assert judged(wrong, f"\n{tests}", right=right) == (False, False)


def test_a_program_with_a_main_guard_passes_tests_that_tell_objects_apart() -> None:
    guarded = "f = lambda n: [n]\nif __name__ == '__main__':\n    print(f(input()))"
    assert judged(guarded, "\na = f(1); a.append(2); assert f(1) == [1]") == (True, False)
