"""How a command ends: exit code 0 where all is done, 1 where a step or a claim failed, 2 for what the user can fix.

What a user can fix is a line each; a bug keeps its traceback. Signals that end a command give one line, and 128 and
their number: 130 for Ctrl-C, 143 for SIGTERM, 129 for SIGHUP.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import typer

from suite import console, signals
from suite.errors import Problem, SuiteError, machine_problem


def code_of(app: typer.Typer, arguments: list[str] | None) -> int:
    """Run a command on any console, and return its exit code."""
    console.prepare()
    try:
        with signals.ending():
            code = _run(app, arguments)
            console.flush()
    except signals.Ended as end:
        code = _ended(end)
    except Exception as error:  # of the system or of a library that passes it on; a bug is raised again
        end_of = signals.received() if isinstance(error, OSError) else None
        if end_of is not None:  # its terminal, or the reader of its pipe, has ended as well
            console.discard()
            code = end_of.exit_code
        elif isinstance(error, BrokenPipeError):  # as in `suite show | head`: nobody reads on
            console.discard()
            code = 0
        else:
            code = _refuse(_of_machine(error).problems)
    return code


def _run(app: typer.Typer, arguments: list[str] | None) -> int:
    """Run a command and return its exit code."""
    try:
        code: Any = app(args=arguments, standalone_mode=False)
    except SuiteError as error:
        return _refuse(error.problems)
    except typer.Abort:
        return 130
    except Exception as error:  # usage errors are of typer's own kinds, which it does not export; all else goes on
        if not (type(error).__module__.startswith(("click", "typer")) and hasattr(error, "show")):
            raise
        error.show()
        return int(getattr(error, "exit_code", 2))
    return code if isinstance(code, int) else 0


def _ended(end: signals.Ended) -> int:
    """Say why, to whoever is still there."""
    with suppress(OSError, ValueError, AttributeError):
        print(end, file=sys.stderr)
    with suppress(OSError):
        console.flush()
    return end.exit_code


def _refuse(problems: Sequence[Problem]) -> int:
    """Say what the user can fix, a line each."""
    for problem in problems:
        print(f"error: {problem}", file=sys.stderr)
    return 2


def _of_machine(error: Exception) -> SuiteError:
    """What the machine could not do, for the user to fix. Raises the error itself if it is another."""
    problem = machine_problem(error)
    if problem is None:
        raise error
    return SuiteError.of([problem])
