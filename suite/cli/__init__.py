"""The command line: arguments, commands, and how they end."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from typer import Typer


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run a command, and exit with its code: see `suite.cli.exits`."""
    import gc
    import sys

    from suite.cli import exits

    code = exits.code_of(_app, arguments)
    if arguments is None:  # the process ends: looking for garbage among torch's objects would take seconds
        gc.freeze()
    sys.exit(code)


def _app() -> Typer:
    from suite.cli.entry import app

    return app
