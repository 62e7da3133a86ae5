"""The files of records, found without reading them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from suite.core.errors import SuiteError


def record_files(paths: Iterable[Path]) -> list[Path]:
    """The records among these files and in these folders, in order. Raises SuiteError if there is none."""
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            files += sorted(
                file
                for kind in ("*.json", "*.json.gz", "*.jsonl.xz")
                for file in path.rglob(kind)
                if file.name[0] != "." and not file.is_dir()
            )
        elif path.exists():
            files.append(path)
        else:
            raise SuiteError("there is no such file or folder", where=str(path))
    if not files:
        where = ", ".join(str(path) for path in paths)
        raise SuiteError(
            "there are no records (*.json, *.json.gz, *.jsonl.xz)", where=where, fix="`suite export` writes them"
        )
    return list(dict.fromkeys(files))
