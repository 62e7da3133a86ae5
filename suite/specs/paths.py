"""Resolve paths: those in a file relative to that file, those of the command line to the working directory."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar, cast

from suite.core.block import Block
from suite.core.errors import SuiteError
from suite.core.yamlfile import Key
from suite.models.source import ModelSource, relative

B = TypeVar("B", bound=Block)


def folder_of(where: str) -> Path | None:
    """The folder of the file in a ``file:line``; None for the command line, whose paths are in the working
    directory."""
    file, sign, line = where.rpartition(":")
    return Path(file).resolve().parent if sign and line.isdigit() and not where.startswith("--") else None


def meant(text: str, where: str) -> Path:
    """Resolve a path named at a ``file:line``: beside that file, or in the working directory if it exists only
    there."""
    path = Path(text).expanduser()
    beside = (folder_of(where) or Path()) / path
    return (path if path.exists() and not beside.exists() else beside).resolve()


def yaml_beside(text: str, where: str) -> Path:
    """Resolve the path of a YAML file that is named at a ``file:line`` or on the command line.

    Raises SuiteError, with the path to write, if the file exists only relative to the working directory.
    """
    path, folder = Path(text).expanduser(), folder_of(where)
    resolved = path if folder is None else folder / path
    if folder is not None and not resolved.exists() and path.exists():
        what = f"there is no file '{text}' beside this one; paths in a file are relative to it"
        raise SuiteError(what, where=where, fix=f"write '{relative(path, folder)}'")
    return resolved


def placed(block: B, where: Callable[[Key], str], key: Key = ()) -> B:
    """The block, with a base folder set for each model's path. `where` gives a key's ``file:line``."""
    if isinstance(block, ModelSource):
        source = "gguf" if block.path is None else "path"
        return cast(B, block.beside(*(folder_of(where((*key, name))) for name in (source, "adapter"))))
    inner = {name: getattr(block, name) for name in type(block).model_fields}
    changed = {name: placed(value, where, (*key, name)) for name, value in inner.items() if isinstance(value, Block)}
    return block.model_copy(update=changed)
