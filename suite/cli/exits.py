"""How a command ends: exit code 0 where all is done, 1 where a step or a claim failed, 2 for what the user can fix.

What a user can fix is a line each; a bug keeps its traceback. Signals that end a command give one line, and 128 and
their number: 130 for Ctrl-C, 143 for SIGTERM, 129 for SIGHUP. A command whose output is closed (`suite show | head -1`)
ends without a word, and with 141, as SIGPIPE ends other programs: not all that it said was read.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from suite.core import console, signals
from suite.core.errors import Problem, SuiteError, machine_problem

if TYPE_CHECKING:
    from typer import Typer

UNREAD: Final = 128 + 13
"""The exit code where the reader of a pipe has closed it: 13 is SIGPIPE."""


def code_of(app: Callable[[], Typer], arguments: list[str] | None = None) -> int:
    """Import the commands, run one on any console, and return its exit code."""
    console.prepare()
    try:
        with signals.ending():
            code = _run(app(), arguments)
            console.flush()
    except signals.EndedBySignal as end:
        code = _ended(end)
    except Exception as error:
        code = _stopped(error)
    return code


def _stopped(error: Exception) -> int:
    """Say what the system did, or a library that passes it on. Raises a bug again."""
    unread = isinstance(error, OSError) and console.discard()
    end = signals.received()
    # a command that ends loses its terminal, too, and modules in C tell otherwise what ended their import
    if end is not None and isinstance(error, (OSError, ImportError, SystemError)):
        return _ended(end)
    if unread and isinstance(error, BrokenPipeError):
        return UNREAD
    return _refuse(_of_machine(error).problems)


def _run(app: Typer, arguments: list[str] | None) -> int:
    """Run a command and return its exit code."""
    import typer

    streams = sys.stdout, sys.stderr
    try:
        code: Any = app(args=arguments, standalone_mode=False)
    except SuiteError as error:
        return _refuse(error.problems)
    except typer.Abort:
        return 130
    except SystemExit as end:  # so typer hides that a pipe is closed
        sys.stdout, sys.stderr = streams
        if isinstance(end.__context__, BrokenPipeError):
            raise end.__context__ from None
        raise
    except Exception as error:  # usage errors are of typer's own kinds, which it does not export; all else goes on
        if not (type(error).__module__.startswith(("click", "typer")) and hasattr(error, "show")):
            raise
        error.show()
        return int(getattr(error, "exit_code", 2))
    return code if isinstance(code, int) else 0


def _ended(end: signals.EndedBySignal) -> int:
    """Say why, to whoever is still there."""
    with suppress(OSError, ValueError, AttributeError):
        print(end, file=sys.stderr)
    console.discard()
    return end.exit_code


def _refuse(problems: Sequence[Problem]) -> int:
    """Say what the user can fix, a line each."""
    try:
        for problem in problems:
            print(f"error: {problem}", file=sys.stderr)
    except BrokenPipeError:  # it is wrong though nobody reads why
        console.discard()
    return 2


def _of_machine(error: Exception) -> SuiteError:
    """What the machine could not do, for the user to fix. Raises the error itself if it is another."""
    problem = machine_problem(error)
    if problem is None:
        raise error
    return SuiteError.of([problem])
