"""How programs are judged: apart from their tests, or marked as weaker, and what each side may do."""

from __future__ import annotations

import pytest

from suite.sandbox import bubblewrap
from suite.sandbox.bubblewrap import Limits
from suite.sandbox.judging import Program, parted, run_program
from suite.sandbox.judging.parts import helpers, nature
from suite.tasks.templates import as_text, compiled

NEEDED = pytest.mark.skipif(not bubblewrap.available(), reason="no bubblewrap here: apt install bubblewrap")
PAIR = (
    "class Pair:\n    def __init__(self, a, b): self.a, self.b = a, b\ndef total(pairs): return sum(p.a for p in pairs)"
)


def judged(answer: str, tests: str, before: str = "", right: str | None = None) -> tuple[bool, bool]:
    outcome = run_program(Program(before, answer, tests, right), Limits(seconds=10))
    return outcome.passed, outcome.weaker


def rendered(template: str, row: dict[str, object], answer: str, right: str | None = None) -> Program:
    return parted(lambda fields: as_text(compiled(template)(fields)), row, answer, right)


def test_a_template_is_taken_apart_around_the_answer() -> None:
    program = rendered("{{p}}{{answer}}\n{{t | join('\n')}}", {"p": "import math\n", "t": ["a", "b"]}, "x = 1")
    assert program == Program("import math\n", "x = 1", "\na\nb")
    indented = rendered("def f():\n{{answer | indent(4, true)}}\nassert f()", {}, "x = 1\nreturn x")
    assert indented == Program("def f():\n    ", "x = 1\n    return x", "\nassert f()")
    assert rendered("{{answer | indent(2)}}\nassert f()", {}, "x", "y\nz").reference == "y\n  z"


@pytest.mark.parametrize(
    "template", ["{{answer}}\n{{answer}}", "{{answer | upper}}{% if 'x' in answer %}1{% endif %}", "assert f()"]
)
def test_a_template_that_does_more_with_the_answer_is_one_text(template: str) -> None:
    program = rendered(template, {}, "x")
    assert program == Program("", as_text(compiled(template)({"answer": "x"})))
    assert not nature(program.tests).whole


@pytest.mark.parametrize("tests", ["", "# nothing", "    return x\nassert f()", "assert f("])
def test_tests_that_are_none_by_themselves_are_run_in_the_programs_process(tests: str) -> None:
    assert not nature(tests).whole


@pytest.mark.parametrize(
    "tests",
    [
        "import io\nassert f()", "assert eval(f())", "assert open('x')", "class A: pass\nassert f(A())",
        "import sys\nsys.stdin = f()", "from unittest import mock", "import os.path",
    ],
)  # fmt: skip
def test_tests_that_may_need_the_programs_process_are_known_by_their_text(tests: str) -> None:
    assert nature(tests).near


@pytest.mark.parametrize("last", ["def f(x):\n", "@cache\ndef f(x):\n    '''doc'''\n", "class A(B):\n    x = 1\n"])
def test_what_an_answer_goes_on_with_is_no_helper(last: str) -> None:
    own = "import math\ndef g(): return 1\n"
    assert helpers(own + last, ("g", "h")).strip() == own.strip()
    assert helpers(own + "x = g()\n", ("x",)) == own + "x = g()\n"
    assert helpers(own + last, ("f", "A")) == helpers("x = (", ("x",)) == ""
    assert helpers("from math import *\n", ("gcd",))


@pytest.mark.parametrize(
    ("tests", "names"),
    [
        ("def check(f): assert f(1) == 2\ncheck(f)", ("f",)),
        ("f = list(map(f, [1]))\nassert f == [2]", ("f",)),
        ("r = f(1)\nassert r == g", ("f", "g")),
        ("def check():\n    global k\n    k = h(1)\ncheck()\nassert k", ("h",)),
        ("assert [x for x in f(y) if z(x)]", ("f", "y", "z")),
        ("import math as m\nfrom a import b\nassert m.pi < f(b)", ("f",)),
        ("try: f()\nexcept E as e: assert e.args", ("E", "f")),
        ("class A:\n    k = 1\n    j = k + w", ("w",)),
        ("def late(): return t() + u()\ndef t(): return 1\nassert late()", ("u",)),
    ],
)
def test_names_that_tests_use_and_do_not_define_are_known_by_scope(tests: str, names: tuple[str, ...]) -> None:
    assert nature(tests).names == names


@NEEDED
def test_plain_data_is_judged_apart_and_the_rest_is_marked() -> None:
    assert judged("def f(x): return x + 1", "\nassert f(1) == 2") == (True, False)
    assert judged(PAIR, "\nassert total([Pair(1, 2), Pair(3, 4)]) == 4") == (True, True)
    assert judged("def f(x): return 1\ndef g(x, y): return True", "\nassert g(f(3), 2)") == (True, True)
    assert judged("wanted = 2\ndef f(x): return 2", "\nassert f(1) == wanted") == (True, True)
    assert judged("assert 1 == 1", "") == (True, True)
    assert judged("assert 1 == 2", "") == (False, True)


VECTOR = "class V:\n    def __init__(self, *of): self.of = of\n    def __eq__(self, other): return self.of == other\n"
EQUAL = "class V:\n    def __eq__(self, other): return True\n"


@NEEDED
@pytest.mark.parametrize(
    ("right", "other", "tests"),
    [
        ("class Solution:\n    def f(self, t): return t.v", "class Solution:\n    def f(self, t): return 7",
         "\nassert Solution().f(Tree(7)) == 7"),
        ("def count(x): return 2 * x\ndef g(x): return x", "def count(x): return 4\ndef g(x): return 4",
         "\nassert count(2) == g(4)"),
        ("def max(x): return [9]\ndef f(x): return x", "max = lambda x: [9]\nf = max", "\nassert max(3) == f([9])"),
        ("def f(x):\n    'doc'", "def f(x):\n    'doc'\n    return 1", "\nassert f.__doc__ == 'doc'"),
        ("def f(x, y): pass", "def f(a, b=1): pass",
         "\nimport inspect\nassert len(inspect.signature(f).parameters) == 2"),
        ("calls = []\ndef f(): calls.append(1)", "calls = []\ndef f(): calls[:] = [1]", "\nf()\nassert calls == [1]"),
        ("def f(): state['k'] = 1", "def f(): state.update(k=1)", "\nf()\nassert state == {'k': 1}"),
        ("class Own(Exception): pass\ndef f(): raise Own", "class Own(KeyError): pass\ndef f(): raise Own",
         "\ntry: f()\nexcept Own: pass\nelse: assert False"),
        (VECTOR + "def f(x): return V(x, x)", EQUAL + "def f(x): return V()", "\nassert f(1) == (1, 1)"),
        ("from collections import namedtuple\nP = namedtuple('P', 'a b')\ndef f(x): return P(x, x)",
         "class P:\n    a = b = 1\ndef f(x): return P()", "\nassert f(1).a == f(1).b == 1"),
        ("def f(x): return len(x)", "def f(x): return 2",
         "\nimport array\nassert f(array.array('i', [1, 2])) == 2"),
        ("def f(x): return len(x.v)", "def f(x): return 1", "\nclass A: v = 'x'\nassert f(A()) == 1"),
        (PAIR, PAIR, "\nassert Pair(1, 2).a == 1"),
    ],
)  # fmt: skip
def test_what_is_no_plain_data_is_granted_to_a_row_whose_right_answer_needs_it(
    right: str, other: str, tests: str
) -> None:
    before = "state = {}\nclass Tree:\n    def __init__(self, v): self.v = v\n"
    assert judged(right, tests, before, right) == (True, True)
    assert judged(other, tests, before, right) == (True, True)
    assert (
        judged("f = g = count = max = Pair = lambda *a: object()\nclass Own(Exception): pass", tests, before, right)[0]
        is False
    )


@NEEDED
def test_what_is_no_plain_data_fails_where_the_right_answer_needs_none() -> None:
    tests = "\nassert f(1) == (1, 1)"
    assert judged(EQUAL + "def f(x): return V()", tests, right="def f(x): return (x, x)") == (False, False)
    assert judged(EQUAL + "def f(x): return V()", tests) == (False, False)


@NEEDED
def test_no_program_makes_its_tests_run_in_its_process() -> None:
    deep = "def f(x):\n    for _ in range(148): x = [x]\n    return x\ndef g(x): return 0"
    right = "def f(x): return x\ndef g(x): return x"
    assert judged(deep, "\nassert g([[f(7)]]) == [[7]]", right=right)[0] is False
    hooked = "import os\nos._exit(0)"
    assert judged(hooked, "\nassert f(1) == 1", right="def f(x): return x") == (False, False)


@NEEDED
def test_a_slow_right_answer_grants_nothing() -> None:
    slow = Program(
        "", VECTOR + "def f(x):\n    while True: pass", "\nassert f(1) == (1, 1)", "def f(x):\n    while x: pass"
    )
    assert not run_program(slow, Limits(seconds=1)).weaker


@NEEDED
def test_a_program_that_ends_or_breaks_the_pipe_has_not_raised_what_tests_expect() -> None:
    tests = "\ntry: f(1)\nexcept: pass\nelse: assert False\n"
    assert judged("def f(x): raise ValueError", tests) == (True, False)
    assert judged("import os\ndef f(x): os._exit(0)", tests) == (False, False)
    assert judged("import os\ndef f(x): os.write(4, b'\\0\\0\\0\\x01?')", tests) == (False, False)


@NEEDED
def test_an_object_that_stands_for_a_function_is_one_and_truth_is_plain() -> None:
    memo = "class Memo:\n    def __init__(self, f): self.f = f\n    def __call__(self, x): return self.f(x)\n"
    assert judged(memo + "@Memo\ndef f(x): return x + 1", "\nassert f(1) == 2") == (True, False)
    assert judged("import re\ndef f(x): return re.match('a', x)", "\nassert f('a')\nassert not f('b')") == (True, False)
    assert judged("import re\ndef f(x): return re.match('a', x)", "\nassert f('a') == True") == (False, False)


@NEEDED
def test_functions_of_types_are_handed_over_and_recursion_goes_as_deep_as_by_itself() -> None:
    assert judged("def f(g): return g('a')", "\nassert f(str.upper) == 'A'") == (True, False)
    assert judged("def f(n): return n and 1 + f(n - 1)", "\nassert f(980) == 980") == (True, False)


@NEEDED
def test_tests_with_modules_of_the_system_run_apart_where_the_right_answer_can() -> None:
    tests = "\nimport os\nassert f('a', 'b') == os.path.join('a', 'b')"
    right = "def f(a, b): return a + '/' + b"
    assert judged(right, tests, right=right) == (True, False)
    assert judged(EQUAL + "def f(a, b): return V()", tests, right=right) == (False, False)


@NEEDED
def test_the_tests_are_in_a_sandbox_too() -> None:
    tests = "\nimport os\nassert f(os.path.exists('/etc/passwd')) is False and f(os.path.exists('/usr')) is True"
    assert judged("def f(x): return x", tests, right="def f(x): return x") == (True, False)


@NEEDED
def test_a_test_that_swallows_what_cannot_be_handed_over_is_not_passed() -> None:
    tests = "\ntry: f(memoryview(b'x'))\nexcept Exception: pass"
    assert judged("def f(x): return 1", tests) == (False, False)
    assert judged("def f(x): return 1", tests, right="def f(x): return x") == (True, True)


@NEEDED
def test_a_comparison_is_the_tests_own() -> None:
    assert judged("def f(x): return True", "\nassert f(1) == 1") == (True, False)
    assert judged("def f(x): return True", "\nassert type(f(1)) is int") == (False, False)
    assert judged("def f(x): return [1, 2]", "\nassert f(1) == (1, 2)") == (False, False)
    assert judged("def f(x): return {1: 1}", "\nassert f(1) == {1: 1} and f(1)[1] is not True") == (True, False)


@NEEDED
def test_helpers_in_front_of_an_answer_are_the_tests_own() -> None:
    before = "def near(a, b): return abs(a - b) < 0.1\n\ndef f(x):\n"
    tests = "\ndef check(candidate):\n    assert near(candidate(3), 6)\ncheck(f)"
    assert judged("    return 2 * x", tests, before) == (True, False)
    assert judged("    return x\ndef near(a, b): return True", tests, before) == (False, False)


@NEEDED
def test_a_function_with_a_builtins_name_is_the_programs() -> None:
    assert judged("def sum(a, b): return a - b", "\nassert sum(3, 1) == 2") == (True, False)
    assert judged("def f(x): return [3]\ndef sum(x): return 9", "\nassert sum(f(1)) == 9") == (False, False)


@NEEDED
def test_tests_under_a_main_guard_are_run() -> None:
    tests = "\nif __name__ == '__main__':\n    assert f(1) == 2"
    assert judged("def f(x): return 2", tests) == (True, False)
    assert judged("def f(x): return 3", tests) == (False, False)


@NEEDED
def test_arguments_are_changed_in_place_and_given_back_as_themselves() -> None:
    answer = "def f(x, y):\n    x[0].append(9); x.append(1); y['a'] = {2}; return x"
    called = "\na, b = [[1]], {}\ninner = a[0]\nassert f(a, b) is a\n"
    tests = called + "assert inner == [1, 9] and a == [[1, 9], 1] and b == {'a': {2}}"
    assert judged(answer, tests) == (True, False)


@NEEDED
def test_iterators_and_functions_go_both_ways() -> None:
    assert judged("def f(g):\n    yield g(1)\n    yield g(2)", "\nassert list(f(lambda x: -x)) == [-1, -2]") == (
        True,
        False,
    )
    assert judged("def f(n): return lambda x: x + n", "\nassert f(2)(3) == 5") == (True, False)
    assert judged("def f(items): return [*items]", "\nassert f(x for x in (1, 2)) == [1, 2]") == (True, False)
    assert judged("import itertools\ndef f(): return itertools.count(4)", "\nassert next(f()) == 4") == (True, False)
    assert judged("def f(x): return len(x)", "\nassert f(map(str, [1])) == 1") == (False, False)


@NEEDED
def test_exceptions_are_those_that_the_tests_expect() -> None:
    tests = "\ntry:\n    f(0)\nexcept ZeroDivisionError: pass\nelse:\n    assert False"
    assert judged("def f(x): return 1 / x", tests) == (True, False)
    assert judged("class Mine(ZeroDivisionError): pass\ndef f(x): raise Mine(x)", tests) == (True, False)
    assert judged("def f(x): raise ValueError", tests) == (False, False)
    assert judged("def f(x): return 0", tests) == (False, False)


@NEEDED
def test_the_reason_names_the_line_of_the_tests() -> None:
    outcome = run_program(Program("", "def f(x): return x", "\nassert f(1) == 1\nassert f(1) == 2"))
    assert outcome.reason == "AssertionError at `assert f(1) == 2`"
    assert "NameError: name 'f'" in run_program(Program("", "g = 1", "\nassert f(1) == 1")).reason
    assert run_program(Program("", "def f(:", "\nassert f(1)")).reason.startswith("SyntaxError")
