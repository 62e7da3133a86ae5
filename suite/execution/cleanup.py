"""Removes leftovers of stored steps, for processes that were killed before they could do so."""

from __future__ import annotations

import shutil
from collections.abc import Collection
from contextlib import suppress

from suite.core.run_dir import RunDir


def clear(home: RunDir, done: Collection[str]) -> None:
    """Remove the checkpoints and the cached answers of finished steps. Those of other steps are left alone."""
    for step in done:
        shutil.rmtree(home.work(step), ignore_errors=True)
    for file in home.answers.glob("*.*.*"):
        if file.name.split(".")[1] in done:
            with suppress(OSError):
                file.unlink(missing_ok=True)
    with suppress(OSError):  # there may be cached answers that are not scored yet
        home.answers.rmdir()
