"""The command line: arguments, commands, and how they end."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from typer import Typer


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run a command, and exit with its code: see `suite.cli.exits`."""
    import sys

    from suite.cli import exits

    sys.exit(exits.code_of(_app, arguments))


def _app() -> Typer:
    from suite.cli.entry import app

    return app
