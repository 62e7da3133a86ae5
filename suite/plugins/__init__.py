"""Plugins: extensions of suite from entry points of installed packages and from Python files of a workspace.

Nothing is imported here, only names, places and descriptions are read, so that listings and pages run no outside code.
"""

from __future__ import annotations

import ast
import importlib.metadata
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from suite.plugins.source import Sources, package_sources, workspace_sources


@dataclass(frozen=True)
class Origin:
    """The origin of a plugin: an entry point, or a file of a workspace."""

    name: str
    package: str = ""
    """The installed package and its version (`suite-example 0.1.0`); empty for a file."""
    target: str = ""
    """The target of its entry point: `module`, or `module:attribute`."""
    file: Path | None = None

    def __str__(self) -> str:
        return f"package {self.package} ({self.target})" if self.file is None else str(_shown(self.file))

    @property
    def module(self) -> str:
        """The dotted module of an entry point."""
        return self.target.partition(":")[0].strip()

    def sources(self) -> Sources:
        """Its module and the modules of its own package or folder that it imports. Raises SuiteError if it has none."""
        if self.file is not None:
            return workspace_sources(self.file, str(self))
        return package_sources(self.module, str(self))

    def recorded(self) -> Mapping[str, str]:
        """The origin as records store it. Of a file only its folder's name and its own: paths differ by machine."""
        if self.file is not None:
            return {"from": "workspace", "file": f"{self.file.parent.name}/{self.file.name}"}
        return {"from": "package", "package": self.package, "target": self.target}

    def described(self) -> Mapping[str, str]:
        """The origin without its package's version, for keys that have the hash of the code separately."""
        return {key: text.partition(" ")[0] if key == "package" else text for key, text in self.recorded().items()}

    def about(self) -> str:
        """The first line of its docstring, read without running the code; empty if there is none."""
        with suppress(Exception):  # a broken plugin is reported elsewhere
            text = self.sources().text(self.file.stem if self.file else self.module)
            return (ast.get_docstring(ast.parse(text)) or "").strip().partition("\n")[0]
        return ""


def added(group: str, folders: tuple[Path, ...], kind: str) -> dict[str, tuple[Origin, ...]]:
    """Name -> its origins: several if more than one package, or a package and a file, use the name.

    `folders` are a workspace's folders, the nearest first; of files with the same name the nearest counts. `kind` is
    the subfolder (`methods`). A subfolder that is itself a Python package is not read.
    """
    by_name: dict[str, list[Origin]] = {}
    for origin in _entry_points(group, tuple(sys.path)):
        by_name.setdefault(origin.name, []).append(origin)
    files: dict[str, Origin] = {}
    for folder in folders:
        for file in modules_of(folder / kind):
            files.setdefault(file.stem, Origin(file.stem, file=file))
    for name, origin in files.items():
        by_name.setdefault(name, []).append(origin)
    return {name: tuple(origins) for name, origins in sorted(by_name.items())}


def modules_of(folder: Path) -> Iterator[Path]:
    """Yield the Python files of a workspace's folder in order, except helpers (`_name.py`)."""
    with suppress(OSError):  # missing, or not readable
        if not (folder / "__init__.py").exists():
            yield from sorted(file for file in folder.glob("[!_]*.py") if file.is_file())


@cache
def _entry_points(group: str, path: tuple[str, ...]) -> tuple[Origin, ...]:
    """The entry points of a group, each once, by name and package; searched again if `sys.path` has changed."""
    origins = {
        Origin(point.name, f"{point.dist.name} {point.dist.version}" if point.dist else "?", point.value)
        for point in importlib.metadata.entry_points(group=group)
    }
    return tuple(sorted(origins, key=lambda origin: (origin.name, origin.package)))


def _shown(file: Path) -> Path:
    with suppress(ValueError):
        return file.relative_to(Path.cwd())
    return file
