"""The tests' side: runs tests on what the program answers. Runs in a sandbox that the program has no way into.

Tests are Python. Names that they do not define are the program's: its functions are called through a pipe, and all that
comes back is plain data, so that every comparison is between builtins of this interpreter, by the tests' own operators.
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
"""Names that tests use beside the function that they test, as programs import them."""


def verdict(task: Mapping[str, Any], channel: Channel) -> tuple[str, bool]:
    """Why the tests are not passed, empty if they are; and whether that may be since they and the program are apart."""
    namespace: dict[str, Any] = {"__name__": "__main__", "__builtins__": builtins}
    bound = names(task["names"], task["called"], helpers(task["before"]), channel)
    why = ""
    try:
        exec(compile(task["tests"], _NAME, "exec", dont_inherit=True), namespace | bound)
    except BaseException as error:
        why = error_line(error) + _line(error, task["tests"])
    if channel.broken is not None:  # whatever the tests made of it
        raise channel.broken
    # any failure may be: a copy that was changed, a random state or a name of the other side; the right answer tells
    return why or channel.unclear, bool(why or channel.unclear)


def helpers(before: str) -> dict[str, Any]:
    """What the text before an answer defines by itself: imports, constants, helper functions."""
    namespace: dict[str, Any] = {"__name__": "before", "__builtins__": builtins}
    try:
        exec(compile(before, "<before>", "exec", dont_inherit=True), namespace)
    except Exception:  # then it is nothing without the answer
        return {}
    return {name: value for name, value in namespace.items() if not name.startswith("__")}


def names(own: Sequence[str], called: Sequence[str], of_helpers: Mapping[str, Any], channel: Channel) -> dict[str, Any]:
    """What the names mean that tests use and do not define.

    These are `own` names, and of builtins those that are `called`. Where the program's objects are asked, all are its.
    """
    of_helpers = {} if channel.objects else of_helpers
    requested = [name for name in own if name not in of_helpers]
    if not requested:  # of the program nothing would be tested: what it is to define has a name that others have, too
        requested, of_helpers = list(own or called), {}
    of_program = channel.value("names", sorted({*requested, *called}))
    if type(of_program) is not dict:
        raise Malformed("no names")
    bound = _bound(requested, of_program, objects=channel.objects)
    if channel.objects:
        bound |= {name: _meaning(*of_program[name]) for name in called if name not in requested and name in of_program}
    # a second function of the program's may be given what the first should have found, and data what it should be
    theirs = [name for name in bound if of_program[name][0] == "value" and bound[name] is of_program[name][1]]
    channel.weaker |= len(theirs) > 1
    return bound | {name: of_helpers[name] for name in own if name in of_helpers}


def _bound(requested: Sequence[str], of_program: Mapping[str, Any], *, objects: bool) -> dict[str, Any]:
    """What the names mean that the program has.

    Beside the function that is tested, `isclose` or `Counter` is what it always is, whatever the program made it.
    """
    bound: dict[str, Any] = {}
    tested = any(_of_library(name) is None for name in requested)
    for name in (name for name in requested if name in of_program):
        ours = _of_library(name) if tested else None
        bound[name] = _meaning(*of_program[name]) if ours is None or objects else ours
    return bound


def _of_library(name: str) -> Any:
    """What a name means by itself where it is a module of `PURE`, or a member of one; None where it is neither."""
    if name in PURE:
        return __import__(name)
    for module in _MEMBERS:
        if name in _MEMBERS[module]:
            return getattr(__import__(module), name)
    return None


def _meaning(kind: Any, *content: Any) -> Any:
    """A name's meaning by what the program says; of the standard library, its own."""
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
    """The line of the tests at which it happened."""
    trace, number = error.__traceback__, 0
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == _NAME:
            number = trace.tb_lineno
        trace = trace.tb_next
    lines = tests.splitlines()
    return f" at `{lines[number - 1].strip()[:120]}`" if 0 < number <= len(lines) else ""


def main() -> None:
    """`judge TESTS`: asks on standard output, hears on standard input, and says on standard error how it ended.

    The last message is why the tests are not passed, whether an object of the program's had a say, and whether the
    tests may be not passed since they and the program are apart.
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
