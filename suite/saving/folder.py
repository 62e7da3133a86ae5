"""A folder that is whole or not there: written beside its place under another name, checked, and renamed."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from suite.core.errors import SuiteError, machine_problem

CARD: Final = "README.md"
"""The model card."""


def refuse_taken(folder: Path) -> None:
    """Raises SuiteError unless the folder is not there, or empty."""
    if folder.is_dir() and not any(folder.iterdir()):
        return
    if folder.exists() or folder.is_symlink():
        what = "exists and is not empty" if folder.is_dir() else "is no folder"
        raise SuiteError(what, where=str(folder), fix="name a new folder; nothing was overwritten")


@contextmanager
def fresh(folder: Path) -> Iterator[Path]:
    """A folder to write into, which takes the name at the end. If that is not reached, nothing of it is left.

    An empty folder of the name stays and takes the files, the card last.
    """
    refuse_taken(folder)
    folder = folder.absolute()
    part = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.part")
    try:
        part.mkdir(parents=True)
        yield part
        _make_readable(part)
        refuse_taken(folder)
        if folder.is_dir():
            for file in sorted(part.iterdir(), key=lambda file: file.name == CARD):
                file.rename(folder / file.name)
            part.rmdir()
        else:
            part.rename(folder)
    except BaseException as error:
        shutil.rmtree(part, ignore_errors=True)
        problem = machine_problem(error) if isinstance(error, Exception) else None
        if problem is None or isinstance(error, SuiteError):
            raise
        raise SuiteError(f"cannot be written ({problem.what})", where=str(folder), fix=problem.fix) from error


def _make_readable(folder: Path) -> None:
    """Give files the usual permissions: safetensors writes them for their owner alone."""
    mask = os.umask(0)
    os.umask(mask)
    for file in folder.rglob("*"):
        if file.is_file():
            file.chmod(0o666 & ~mask)
