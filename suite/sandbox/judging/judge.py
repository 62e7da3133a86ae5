"""The tests' side: runs tests on the program's answers, in a sandbox that the program cannot reach.

Tests are Python. Names that they do not define belong to the program: its functions are called through a pipe, and
results are plain data. Every comparison is therefore between builtins of this interpreter, by the tests' own operators.
"""

from __future__ import annotations

import builtins
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final

from suite.sandbox.judging.remote import Channel, Refused
from suite.sandbox.judging.values import PURE, Malformed, PipeClosed, Unsendable, decode, error_line, send

_NAME: Final = "<tests>"
_MEMBERS: Final = {
    "math": ("ceil", "comb", "cos", "degrees", "dist", "e", "exp", "fabs", "factorial", "floor", "fsum", "gcd", "hypot",
             "inf", "isclose", "isinf", "isnan", "isqrt", "lcm", "log", "log10", "log2", "nan", "perm", "pi", "pow",
             "prod", "radians", "sin", "sqrt", "tan", "tau", "trunc"),
    "collections": ("ChainMap", "Counter", "OrderedDict", "defaultdict", "deque", "namedtuple"),
    "copy": ("copy", "deepcopy"),
    "functools": ("cmp_to_key", "partial", "reduce"),
    "itertools": ("chain", "combinations", "count", "cycle", "groupby", "islice", "permutations", "product", "repeat",
                  "zip_longest"),
    "datetime": ("date", "datetime", "time", "timedelta"),
    "decimal": ("Decimal",),
    "fractions": ("Fraction",),
    "random": ("choice", "randint", "random", "sample", "shuffle"),
}  # fmt: skip
"""Names of the standard library that tests use besides the tested function, as programs import them."""


def verdict(task: Mapping[str, Any], channel: Channel) -> tuple[str, bool]:
    """(why the tests failed, empty if they passed; whether the separation from the program may be the cause)."""
    namespace: dict[str, Any] = {"__name__": "__main__", "__builtins__": builtins}
    bound = names(task["names"], task["called"], helpers(task["before"]), channel)
    why = ""
    try:
        exec(compile(task["tests"], _NAME, "exec", dont_inherit=True), namespace | bound)
    except BaseException as error:
        why = error_line(error) + _line(error, task["tests"])
    if channel.broken is not None:  # whatever the tests made of it
        raise channel.broken
    # any failure may be: from a changed copy, a random state, or a name on the other side; the right answer shows it
    return why or channel.unclear, bool(why or channel.unclear)


def helpers(before: str) -> dict[str, Any]:
    """Names that the text before an answer defines by itself: imports, constants, helper functions."""
    namespace: dict[str, Any] = {"__name__": "before", "__builtins__": builtins}
    try:
        exec(compile(before, "<before>", "exec", dont_inherit=True), namespace)
    except Exception:  # it means nothing without the answer
        return {}
    return {name: value for name, value in namespace.items() if not name.startswith("__")}


def names(own: Sequence[str], called: Sequence[str], of_helpers: Mapping[str, Any], channel: Channel) -> dict[str, Any]:
    """The meanings of names that tests use and do not define.

    These are `own` names, and those builtins that are `called`. If tests may use the program's objects, all belong to
    it.
    """
    of_helpers = {} if channel.objects else of_helpers
    requested = [name for name in own if name not in of_helpers]
    if not requested:  # nothing of the program would be tested: its function is named like a helper
        requested, of_helpers = list(own or called), {}
    of_program = channel.value("names", sorted({*requested, *called}))
    if type(of_program) is not dict:
        raise Malformed("no names")
    bound = _bound(requested, of_program, objects=channel.objects)
    if channel.objects:
        bound |= {name: _meaning(*of_program[name]) for name in called if name not in requested and name in of_program}
    # of several values, one could be given results that another should have computed
    theirs = [name for name in bound if of_program[name][0] == "value" and bound[name] is of_program[name][1]]
    channel.weaker |= len(theirs) > 1
    return bound | {name: of_helpers[name] for name in own if name in of_helpers}


def _bound(requested: Sequence[str], of_program: Mapping[str, Any], *, objects: bool) -> dict[str, Any]:
    """The meanings of the program's names.

    Beside the tested function, `isclose` or `Counter` has its usual meaning, whatever the program binds to it.
    """
    bound: dict[str, Any] = {}
    tested = any(_of_library(name) is None for name in requested)
    for name in (name for name in requested if name in of_program):
        ours = _of_library(name) if tested else None
        bound[name] = _meaning(*of_program[name]) if ours is None or objects else ours
    return bound


def _of_library(name: str) -> Any:
    """A name's meaning if it is a module of `PURE` or a listed member of one; otherwise None."""
    if name in PURE:
        return __import__(name)
    for module in _MEMBERS:
        if name in _MEMBERS[module]:
            return getattr(__import__(module), name)
    return None


def _meaning(kind: Any, *content: Any) -> Any:
    """A name's meaning from the program's reply; for the standard library, this interpreter's own."""
    if kind == "value":
        return content[0]
    if kind in ("module", "member") and type(content[0]) is str and content[0] in PURE:
        module = __import__(content[0])
        if kind == "module":
            return module
        member = getattr(module, content[1], None)
        if content[0] != "sys" and getattr(member, "__module__", None) == content[0] and callable(member):
            return member
    raise Malformed("no meaning of a name")


def _line(error: BaseException, tests: str) -> str:
    """The line of the tests at which the error happened; empty if unknown."""
    trace, number = error.__traceback__, 0
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == _NAME:
            number = trace.tb_lineno
        trace = trace.tb_next
    lines = tests.splitlines()
    return f" at `{lines[number - 1].strip()[:120]}`" if 0 < number <= len(lines) else ""


def main() -> None:
    """`judge TESTS`: sends requests to standard output, reads replies from standard input, reports on standard error.

    The last message says why the tests failed, whether an object of the program took part, and whether the separation
    from the program may be the cause of the failure.
    """
    replies, requests, result = os.dup(0), os.dup(1), os.dup(2)
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    with open(sys.argv[1], "rb") as file:
        task = decode(file.read())
    channel, unclear = Channel(replies, requests, objects=task["objects"]), False
    try:
        _, why = channel.ask("loaded")
        why = str(why)[:300]
        if not why:
            why, unclear = verdict(task, channel)
    except PipeClosed:
        why = "ended early"
    except (Malformed, Refused, Unsendable) as error:
        why = f"{type(error).__name__}: {error}"[:300]
    except BaseException as error:
        why = error_line(error)
    send(result, (why, channel.weaker, unclear))


if __name__ == "__main__":
    main()
