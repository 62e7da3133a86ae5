"""The source of a plugin: its module and the modules of its own package or folder that it imports.

Imports are found in the text, including those in functions; no code is run. Modules that are imported by a computed
name, and files that are only read, are not found.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from suite.core.errors import SuiteError

COMPILED = (".so", ".pyd")


@dataclass(frozen=True)
class Sources:
    """Dotted module -> its file, and its bytes with Unix line ends."""

    files: Mapping[str, Path]
    contents: Mapping[str, bytes]

    @property
    def hash(self) -> str:
        """A hash of the modules' names and contents; their location does not matter."""
        digest = hashlib.sha256()
        for name, content in sorted(self.contents.items()):
            digest.update(f"{name} {len(content)}\n".encode() + content)
        return digest.hexdigest()[:16]

    def text(self, module: str) -> str:
        """A module's text."""
        return self.contents[module].decode("utf-8", "replace")


def workspace_sources(file: Path, where: str) -> Sources:
    """A file of a workspace's folder and the files of that folder that it imports (`from . import _helpers`)."""
    return _Collector("", file.parent, where).collected(file.stem)


def package_sources(module: str, where: str) -> Sources:
    """A module of an installed package and the modules of that package that it imports."""
    top = module.partition(".")[0]
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        spec = None
    if spec is None:
        raise SuiteError(f"cannot be loaded: there is no module '{top}'", where=where, fix="install the package again")
    locations = [Path(location) for location in spec.submodule_search_locations or ()]
    folder = locations[0] if locations else Path(str(spec.origin)).parent
    return _Collector(top if locations else "", folder, where).collected(module)


class _Collector:
    """Follows imports within one folder: the package `top`, or a folder of modules if `top` is empty."""

    def __init__(self, top: str, folder: Path, where: str) -> None:
        self.top, self.folder, self.where = top, folder, where
        self.main = ""
        self.files: dict[str, Path] = {}
        self.contents: dict[str, bytes] = {}

    def collected(self, module: str) -> Sources:
        """The sources of the module and of everything that it imports from here."""
        if self._file(module) is None:
            raise SuiteError(f"cannot be loaded: there is no module '{module}'", where=self.where)
        self.main = module
        left = [module]
        while left:
            name = left.pop()
            file = self._file(name)
            if name not in self.files and file is not None:
                left += self._add(name, file)
        return Sources(self.files, self.contents)

    def _add(self, name: str, file: Path) -> Iterator[str]:
        """Add a module and yield the names that it imports. Packages above it run before it, so they are included."""
        try:
            content = file.read_bytes()
        except OSError as error:
            raise SuiteError(f"cannot be read ({error.strerror})", where=f"{self.where}: {file}") from None
        compiled = file.suffix in COMPILED
        self.files[name], self.contents[name] = file, content if compiled else content.replace(b"\r\n", b"\n")
        parts = name.split(".")
        yield from (".".join(parts[:count]) for count in range(1, len(parts)))
        if compiled:
            return
        try:
            tree = ast.parse(content)
        except (SyntaxError, ValueError) as error:
            line = f":{error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
            position = f"{self.where}{line}" if name == self.main else f"{self.where}: {file}{line}"
            raise SuiteError(f"cannot be loaded: it is no Python ({error.args[0]})", where=position) from None
        package = name if file.stem == "__init__" else name.rpartition(".")[0]
        for node in ast.walk(tree):
            if isinstance(node, ast.Import) and self.top:
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield from self._imported(node, package)

    def _imported(self, node: ast.ImportFrom, package: str) -> Iterator[str]:
        """Yield the modules that `from X import a, b` may load: X, and its modules a and b."""
        base = package.split(".") if package else []
        if node.level - 1 > len(base) or not (node.level or self.top):
            return  # outside the folder, or a module from elsewhere
        above = base[: len(base) + 1 - node.level] if node.level else []
        name = ".".join([*above, *([node.module] if node.module else [])])
        yield name
        yield from (f"{name}.{alias.name}" if name else alias.name for alias in node.names)

    def _file(self, module: str) -> Path | None:
        """The file of a module of this package or folder; None for any other module."""
        parts = module.split(".")
        if "" in parts or (self.top and parts[0] != self.top):
            return None
        parts = parts[1:] if self.top else parts
        path = self.folder.joinpath(*parts)
        candidates = [path / "__init__.py", *([path.with_name(f"{path.name}.py")] if parts else [])]
        if parts and path.parent.is_dir():
            candidates += sorted(file for end in COMPILED for file in path.parent.glob(f"{path.name}.*{end}"))
        return next((file for file in candidates if file.is_file()), None)
