"""The command `suite`, and `python -m suite`: a signal ends it in one line from its first moment on."""

from __future__ import annotations

from suite.core import signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn


def main() -> NoReturn:
    """Run a command, and exit with its code: see `suite.cli.exits`."""
    signals.end_at_once()
    from suite.cli import main as run

    run()


if __name__ == "__main__":
    main()
