"""What is lost between two processes: who an object is, and what they share."""

from __future__ import annotations

import pytest

from suite.sandbox import bubblewrap
from suite.sandbox.bubblewrap import Limits
from suite.sandbox.judging import Program, run_program

pytestmark = pytest.mark.skipif(not bubblewrap.available(), reason="no bubblewrap here: apt install bubblewrap")


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


@pytest.mark.parametrize(
    ("right", "tests"),
    [
        ("def f(d): d.popleft()", "from collections import deque\nd = deque([1, 2])\nf(d)\nassert len(d) == 1"),
        (
            "def f(d, k): d[k].append(1)\n",
            "import collections\nd = collections.defaultdict(list)\nf(d, 'x')\nassert d['x'] == [1]",
        ),
        (
            "import random\nf = lambda: random.random()",
            "import random\nrandom.seed(1)\na = f()\nrandom.seed(1)\nassert f() == a != None",
        ),
        ("f = lambda x: helper(x) + 1", "def helper(x): return 2 * x\nassert f(1) == 3"),
        ("f = lambda: hash('abc')", "assert f() == hash('abc')"),
    ],
)
def test_what_only_one_process_can_have_is_granted_where_the_right_answer_needs_it(right: str, tests: str) -> None:
    assert judged(right, f"\n{tests}", right=right) == (True, True)
    assert judged("f = lambda *_: None", f"\n{tests}", right=right)[0] is False


def test_a_failure_where_the_right_answer_passes_apart_is_one() -> None:
    equal = "class V:\n    def __eq__(self, other): return True\n"
    assert judged(f"{equal}f = lambda x: V()", "\nassert f(1) == 7", right="f = lambda x: 7") == (False, False)


@pytest.mark.parametrize(
    "tests",
    [
        "assert eval(f(3)) == 7",
        "ns = {}\nexec(f(3), ns)\nassert ns == 7",
        "import pickle\nassert pickle.loads(f(3)) == 7",
    ],
)
def test_tests_that_run_a_text_of_the_programs_are_never_a_strong_proof(tests: str) -> None:
    forged = "f = lambda x: \"type('A', (), {'__eq__': lambda s, o: True})()\""
    passed, weaker = judged(forged, f"\n{tests}", right="f = lambda x: '7'")
    assert weaker or not passed
