"""Read access to the store for commands."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from suite.api import results
from suite.core.run_dir import RunDir
from suite.results.store import Store


@contextmanager
def reading(home: RunDir, *, patient: bool = True) -> Iterator[Store]:
    """The store of a home, which must exist. Warns of stored data that were changed."""
    with results.reading(home, warn, patient=patient) as store:
        yield store


def warn(text: str) -> None:
    """Print a warning to standard error."""
    print(f"warning: {text}", file=sys.stderr)
