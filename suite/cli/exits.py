"""How a command ends: exit code 0 if all is done, 1 if a step or a claim failed, 2 for errors that the user can fix.

Errors that the user can fix are one line each; a bug keeps its traceback. A signal that ends a command prints one line;
the code is 128 plus its number: 130 for Ctrl-C, 143 for SIGTERM, 129 for SIGHUP. If the reader closes the output
(`suite show | head -1`), the command ends silently with 141, like programs that SIGPIPE ends, because not all output
was read.
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
"""Exit code if the reader has closed the pipe: 13 is SIGPIPE."""


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
    """Print an error of the system, also if a library passes it on, and return the exit code. Raises a bug again."""
    unread = isinstance(error, OSError) and console.discard()
    end = signals.received()
    # a command that ends may lose its terminal, and C modules report an interrupted import as another error
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
    except SystemExit as end:  # typer hides a closed pipe this way
        sys.stdout, sys.stderr = streams
        if isinstance(end.__context__, BrokenPipeError):
            raise end.__context__ from None
        raise
    except Exception as error:  # typer does not export its usage errors; others are raised again
        if not (type(error).__module__.startswith(("click", "typer")) and hasattr(error, "show")):
            raise
        error.show()
        return int(getattr(error, "exit_code", 2))
    return code if isinstance(code, int) else 0


def _ended(end: signals.EndedBySignal) -> int:
    """Print why the command ended, if someone still reads it; return the exit code."""
    with suppress(OSError, ValueError, AttributeError):
        print(end, file=sys.stderr)
    console.discard()
    return end.exit_code


def _refuse(problems: Sequence[Problem]) -> int:
    """Print errors that the user can fix, one line each; return the exit code."""
    try:
        for problem in problems:
            print(f"error: {problem}", file=sys.stderr)
    except BrokenPipeError:  # the exit code stays 2 even if nobody reads the errors
        console.discard()
    return 2


def _of_machine(error: Exception) -> SuiteError:
    """The machine's error for the user to fix. Raises the error itself if it is another one."""
    problem = machine_problem(error)
    if problem is None:
        raise error
    return SuiteError.of([problem])
