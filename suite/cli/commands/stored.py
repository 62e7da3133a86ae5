"""The store as commands read it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from suite.api import results
from suite.core.run_dir import RunDir
from suite.results.store import Store


@contextmanager
def reading(home: RunDir, *, patient: bool = True) -> Iterator[Store]:
    """The store of a home that must be there. Warns of what was read and is not as it was written."""
    with results.reading(home, warn, patient=patient) as store:
        yield store


def warn(text: str) -> None:
    """Print what a user should know, beside the output."""
    print(f"warning: {text}", file=sys.stderr)
