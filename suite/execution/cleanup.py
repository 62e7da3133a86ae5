"""What is left of steps that are stored, where a process was killed before it could clear up."""

from __future__ import annotations

import shutil
from collections.abc import Collection
from contextlib import suppress

from suite.core.run_dir import RunDir


def clear(home: RunDir, done: Collection[str]) -> None:
    """Remove the checkpoints and the kept answers of finished steps. Other processes' are left alone."""
    for step in done:
        shutil.rmtree(home.work(step), ignore_errors=True)
    for file in home.answers.glob("*.*.*"):
        if file.name.split(".")[1] in done:
            with suppress(OSError):
                file.unlink(missing_ok=True)
    with suppress(OSError):  # there may be answers that wait for their scores
        home.answers.rmdir()
