"""Paths as Python code passes them: text or `Path`; environment variables are the defaults."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypeAlias

from suite.core.run_dir import RUNS, RunDir

File: TypeAlias = str | os.PathLike[str]


def home_of(home: File | None, db: str | None) -> RunDir:
    """The folder of runs: the argument, else `SUITE_HOME`, else `runs`. The database: the argument, else `SUITE_DB`."""
    folder = home if home is not None else os.environ.get("SUITE_HOME") or RUNS
    return RunDir(Path(folder), db or os.environ.get("SUITE_DB") or None)


def folder_of(folder: File | None, variable: str) -> Path | None:
    """The folder in the argument, else the one in an environment variable."""
    path = folder if folder is not None else os.environ.get(variable) or None
    return None if path is None else Path(path)
