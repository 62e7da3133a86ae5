"""Run programs and their tests in separate sandboxes; only the tests report the outcome."""

from __future__ import annotations

import ast
import importlib.util
import marshal
import os
import secrets
import selectors
import subprocess
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import BinaryIO, Final, Literal

from suite.sandbox import bubblewrap
from suite.sandbox.bubblewrap import Limits, Running
from suite.sandbox.judging.parts import Nature, Program, compiled, helpers, nature, parsed
from suite.sandbox.judging.values import Malformed, PipeClosed, decode, encode, send

_SUBJECT: Final = ("values", "subject")
_JUDGE: Final = ("values", "remote", "judge")
_EARLY: Final = "ended early"
_LONGEST: Final = 1 << 20
"""Maximum size of the last message, in bytes."""


@dataclass(frozen=True)
class ProgramOutcome:
    """Outcome of a program."""

    passed: bool
    """Whether the program and its tests ran to their end."""
    reason: str
    """Why it failed, in a few words; empty if it passed."""
    weaker: bool = False
    """Program and tests ran in one process, or its own objects were used, so a program could cheat."""


Level = Literal["apart", "objects", "together"]
"""How a program and its tests are separated. `apart`: only plain data is passed. `objects`: tests may use the program's
objects. `together`: both run in one process."""

_ORDER: Final[tuple[Level, ...]] = ("apart", "objects", "together")

_DONE: Final[dict[Program, ProgramOutcome]] = {}
"""Outcomes in this process."""
_LEVELS: Final[dict[Program, Level]] = {}
"""Right answers -> the level that they need."""


def run_program(program: Program | str, limits: Limits = Limits()) -> ProgramOutcome:
    """Run a program and then its tests. Raises SuiteError if no sandbox works and running without one is not allowed.

    Tests run apart from the program, so that it cannot reach the comparison of its results. If the row's own right
    answer shows that this is impossible, tests may use the program's objects, or else run in its process. The same
    holds for a text that is program and tests in one. A program cannot influence this choice. Tests that distinguish an
    object from an equal one have to pass both ways. If both are apart, a program cannot cheat; in one process, no value
    is a copy.
    """
    bubblewrap.require("this task")
    parsed = Program("", program) if isinstance(program, str) else program
    kind = nature(parsed.tests)
    if not kind.whole or (kind.near and parsed.reference is None):
        return _together(parsed, limits)
    outcome, unclear = _judged(parsed, "apart", kind, limits)
    level = _level(parsed, kind, limits) if unclear else "apart"
    if level != "apart":
        outcome = replace(_judged(parsed, level, kind, limits)[0], weaker=True)
    if outcome.passed and kind.runs:
        outcome = replace(outcome, weaker=True)  # a text of the program ran in the tests' interpreter
    if outcome.passed and kind.alike and level != "together":
        near = _together(parsed, limits, "__main__" if "__main__" in parsed.tests else "program")
        return outcome if near.passed else replace(near, weaker=outcome.weaker)
    return outcome


def _level(program: Program, kind: Nature, limits: Limits) -> Level:
    """The strictest level at which the row's own right answer passes; `apart` if it passes at none."""
    if program.reference is None:
        return _ORDER[0]
    right = replace(program, answer=program.reference)
    if right not in _LEVELS:
        _LEVELS[right] = _strictest(right, kind, limits)
    return _LEVELS[right]


def _strictest(right: Program, kind: Nature, limits: Limits) -> Level:
    for level in _ORDER:
        outcome, unclear = _judged(right, level, kind, limits)
        if outcome.passed:
            return level
        if level == "apart" and not unclear:  # wrong or too slow: another level would not help
            break
    return _ORDER[0]


def _judged(program: Program, level: Level, kind: Nature, limits: Limits) -> tuple[ProgramOutcome, bool]:
    """The outcome at a level, and whether it is a failure that a weaker level might avoid."""
    if level == "together":
        return _together(program, limits), False
    return _apart(program, kind, limits, objects=level == "objects")


def run_programs(programs: Sequence[Program]) -> list[ProgramOutcome]:
    """Run many programs in parallel; programs that were run before are not run again."""
    bubblewrap.require("this task")
    new = [program for program in dict.fromkeys(programs) if program not in _DONE]
    unsafe = bubblewrap.UNSAFE.get()

    def run(program: Program) -> ProgramOutcome:
        bubblewrap.UNSAFE.set(unsafe)  # threads do not inherit it
        return run_program(program)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        _DONE.update(zip(new, pool.map(run, new), strict=True))
    return [_DONE[program] for program in programs]


def _apart(program: Program, kind: Nature, limits: Limits, *, objects: bool) -> tuple[ProgramOutcome, bool]:
    """The outcome with tests in a separate interpreter, and whether the separation may have caused a failure."""
    text = (program.before + program.answer).encode("utf-8", "replace")
    with (
        _pipes(4) as ((requests, send_requests), (answers, answer), (result, say), (output, print_)),
        ExitStack() as stack,
    ):
        tested = bubblewrap.running(
            _script(_SUBJECT), text, limits, streams=(requests, answer, print_), arguments=["program"]
        )
        subject = stack.enter_context(tested)
        own = {"before": helpers(program.before, kind.names), "tests": program.tests, "objects": objects}
        task = encode(vars(kind) | own)
        judge = bubblewrap.running(_script(_JUDGE), task, limits, streams=(answers, send_requests, say), together=False)
        stack.enter_context(judge)
        for end in (requests, send_requests, answers, answer, say, print_):
            end.close()
        data, printed, why = _watch(result, output, limits)
        last = _last(data)
        if subject.exceeded():
            return ProgramOutcome(False, _too_much(limits)), False
        if last is None or len(last) != 3:
            return ProgramOutcome(False, why or _reason(subject, "", printed + data)), False
        reason, weaker, unclear = last
        if reason:
            return ProgramOutcome(False, _reason(subject, str(reason), printed), bool(weaker)), bool(unclear)
        return ProgramOutcome(True, "", bool(weaker) or not bubblewrap.available()), False


def _together(program: Program, limits: Limits, name: str = "__main__") -> ProgramOutcome:
    """The outcome in one process, as a module of this name, which reports itself that it reached its end."""
    mark = secrets.token_hex(16)
    text = program.text.encode("utf-8", "replace")
    with _pipes(3) as ((requests, send_requests), (result, answer), (output, print_)), ExitStack() as stack:
        tested = bubblewrap.running(
            _script(_SUBJECT), text, limits, streams=(requests, answer, print_), arguments=[name]
        )
        subject = stack.enter_context(tested)
        for end in (requests, answer, print_):
            end.close()
        with suppress(PipeClosed):  # it may have ended already
            send(send_requests.fileno(), (mark,))
        data, printed, why = _watch(result, output, limits)
        last = _last(data)
        if subject.exceeded():
            return ProgramOutcome(False, _too_much(limits), weaker=True)
        if last is None or last[0] != mark:
            return ProgramOutcome(False, why or _reason(subject, "", printed), weaker=True)
        return ProgramOutcome(last[1] == "", _reason(subject, str(last[1]), printed) if last[1] else "", weaker=True)


def _too_much(limits: Limits) -> str:
    return f"used more than {limits.memory >> 20} MiB in all"


@contextmanager
def _pipes(count: int) -> Iterator[list[tuple[BinaryIO, BinaryIO]]]:
    """Pipes whose open ends are closed on exit."""
    with ExitStack() as stack:
        yield [
            (stack.enter_context(open(ends[0], "rb", 0)), stack.enter_context(open(ends[1], "wb", 0)))
            for ends in (os.pipe() for _ in range(count))
        ]


def _reason(subject: Running, reason: str, printed: bytes) -> str:
    """Why a program failed; if it ended, its exit."""
    if reason and reason != _EARLY:
        return reason
    code: int | None = None
    with suppress(subprocess.TimeoutExpired):
        code = subject.process.wait(1)
    lines = printed.decode(errors="replace").strip().splitlines()
    return lines[-1][:200] if lines and code else f"{_EARLY} ({code})"


def _watch(result: BinaryIO, output: BinaryIO, limits: Limits) -> tuple[bytes, bytes, str]:
    """The last message, the end of the printed output, and why the program was stopped before it; empty if it was
    not."""
    data, printed, loud, deadline = b"", b"", 0, time.monotonic() + limits.seconds
    with selectors.DefaultSelector() as selector:
        selector.register(result, selectors.EVENT_READ)
        selector.register(output, selectors.EVENT_READ)
        while (seconds_left := deadline - time.monotonic()) > 0:
            ready = {key.fileobj for key, _ in selector.select(seconds_left)}
            if output in ready:
                part = os.read(output.fileno(), 1 << 16)
                loud, printed = loud + len(part), (printed + part)[-2048:]
                if not part:
                    selector.unregister(output)
                if loud > limits.output_bytes:
                    return b"", printed, f"said more than {limits.output_bytes} bytes"
            if result in ready:
                part = os.read(result.fileno(), 1 << 16)
                data += part
                if not part or _whole(data) or len(data) > _LONGEST:
                    return data, printed, ""
    return b"", printed, f"ran longer than {limits.seconds:g} s"


def _whole(data: bytes) -> bool:
    return len(data) >= 4 and len(data) - 4 >= int.from_bytes(data[:4], "big")


def _last(data: bytes) -> tuple[object, ...] | None:
    """The last message; None if it is incomplete or malformed."""
    if not _whole(data):
        return None
    with suppress(Malformed):
        message = decode(data[4:])
        if type(message) is tuple and message:
            return message
    return None


@cache
def _script(modules: tuple[str, ...]) -> bytes:
    """Modules of this package compiled into one, because a sandbox does not have these files."""
    whole = ast.Module([], [])
    for name in modules:
        for node in parsed(Path(__file__).with_name(f"{name}.py").read_bytes()).body:
            left_out = ("suite", "typing", "collections", "__future__")  # imports of its own parts, and slow imports
            if not (isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in left_out):
                whole.body.append(node)
    code = compiled(whole, modules[-1], annotations.compiler_flag)
    return importlib.util.MAGIC_NUMBER + bytes(12) + marshal.dumps(code)
