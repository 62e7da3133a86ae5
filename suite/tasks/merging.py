"""Merge task files deeply with the files that they include."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from suite.core.errors import SuiteError, did_you_mean
from suite.core.yamlfile import Document, Key, read_yaml


@dataclass(frozen=True)
class MergedFile:
    """Files merged deeply, an including file over the included ones, with the ``file:line`` of each key."""

    value: dict[str, Any]
    lines: dict[Key, str]

    @classmethod
    def read(cls, path: Path) -> MergedFile:
        """Read a file with its includes. Raises SuiteError for a cycle or a missing file."""
        merged = cls({}, {})
        merged._add(path, ())
        return merged

    def where(self, key: Key) -> str:
        """The ``file:line`` of a key, or of the nearest key above it."""
        return where(self.lines, key)

    @property
    def data_file(self) -> Path | None:
        """The file that names the data files; None if there is none."""
        keys: tuple[Key, ...] = (("dataset_kwargs", "data_files"), ("dataset_kwargs", "data_dir"), ("dataset_path",))
        line = next((self.lines[key] for key in keys if key in self.lines), None)
        return None if line is None else Path(line.rpartition(":")[0])

    def _add(self, path: Path, including: tuple[Path, ...]) -> None:
        """Merge a file's includes, then the file itself."""
        document = read_yaml(path)
        include = document.value.get("include", ())
        for position, name in enumerate((include,) if isinstance(include, str) else include):
            key: Key = ("include",) if isinstance(include, str) else ("include", position)
            other = path.parent / str(name)
            if other.resolve() in (path.resolve(), *including):
                raise SuiteError(
                    f"include: '{name}' includes itself", where=document.where(key), fix="break the circle"
                )
            if not other.is_file():
                near = did_you_mean(str(name), [file.name for file in path.parent.glob("*.yaml") if file != path])
                raise SuiteError(f"include: there is no file '{name}' beside it", where=document.where(key), fix=near)
            self._add(other, (*including, path.resolve()))
        self.lines[()] = f"{path}:1"
        _merge(self.value, {key: value for key, value in document.value.items() if key != "include"})
        self._record(document)

    def _record(self, document: Document) -> None:
        for key in document.lines:
            self.lines[key] = document.where(key)


def where(lines: Mapping[Key, str], key: Key) -> str:
    """The ``file:line`` of a key, or of what is nearest above it."""
    while key and key not in lines:
        key = key[:-1]
    return lines.get(key, "")


def _merge(under: dict[str, Any], over: Mapping[str, Any]) -> None:
    """Merge mappings, replace everything else, and remove keys that are set to null (`dataset_path: null`)."""
    for key, value in over.items():
        if value is None:
            under.pop(key, None)
        elif isinstance(value, Mapping):
            child = dict(under[key]) if isinstance(under.get(key), Mapping) else {}
            _merge(child, value)
            under[key] = child
        else:
            under[key] = value
