"""Paths as Python gives them: text or `Path`, and what the environment says where nothing is given."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypeAlias

from suite.core.run_dir import RUNS, RunDir

File: TypeAlias = str | os.PathLike[str]


def home_of(home: File | None, db: str | None) -> RunDir:
    """The folder of runs: the one given, else `SUITE_HOME`, else `runs`; for the database, `SUITE_DB`."""
    folder = home if home is not None else os.environ.get("SUITE_HOME") or RUNS
    return RunDir(Path(folder), db or os.environ.get("SUITE_DB") or None)


def folder_of(folder: File | None, variable: str) -> Path | None:
    """The folder given, else the one that an environment variable names."""
    path = folder if folder is not None else os.environ.get(variable) or None
    return None if path is None else Path(path)
