"""Loads code from outside when it is requested by name. Errors in it become one line that names the plugin."""

from __future__ import annotations

import importlib
import sys
import traceback
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from suite.core.errors import SuiteError
from suite.plugins import Origin
from suite.plugins.source import Sources


def loaded(origin: Origin, sources: Sources) -> Any:
    """The object that an origin names, loaded from these sources. A file that has changed since is loaded again.

    Raises SuiteError, in one line, if it cannot be imported.
    """
    try:
        if origin.file is not None:
            return importlib.import_module(_SNAPSHOTS.take(sources, origin.file.stem))
        target: Any = importlib.import_module(origin.module)
        attribute = origin.target.partition(":")[2].partition("[")[0].strip()
        for name in filter(None, attribute.split(".")):
            target = getattr(target, name)
        return target
    except SuiteError:
        raise
    except (Exception, SystemExit) as error:
        raise broken(origin, error, "cannot be loaded") from error


def broken(origin: Origin, error: BaseException, what: str) -> SuiteError:
    """One line about an error in code from outside: the file and line that raised it, and the error."""
    own = {str(file) for file in origin.sources().files.values()}
    raised = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename in own]
    where = str(origin)
    if raised:
        main = origin.file is not None and raised[-1].filename == str(origin.file)
        where = f"{where}:{raised[-1].lineno}" if main else f"{where}: {raised[-1].filename}:{raised[-1].lineno}"
    text = " ".join(str(error).split())
    return SuiteError(f"{what}: {type(error).__name__}{f': {text}' if text else ''}", where=where)


class _Snapshots(MetaPathFinder, Loader):
    """An importer for workspace files as they were when their hash was taken: exactly the hashed code runs.

    Python's own loader might read bytecode that is older than the file, and neighbouring files that have changed since.
    """

    def __init__(self) -> None:
        self._modules: dict[str, tuple[Path, bytes]] = {}

    def take(self, sources: Sources, module: str) -> str:
        """Make a workspace's file importable together with the files that it imports. Returns the name to import."""
        if self not in sys.meta_path:
            sys.meta_path.insert(0, self)
        package = f"suite_workspace_{sources.hash}"
        if package not in sys.modules:
            made = ModuleType(package, "Files of a workspace.")
            made.__path__ = []
            sys.modules[package] = made
        for name, content in sources.contents.items():
            self._modules[f"{package}.{name}"] = (sources.files[name], content)
        return f"{package}.{module}"

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec of a module that `take` has registered; None for any other."""
        if fullname not in self._modules:
            return None
        file = self._modules[fullname][0]
        inside: list[str] | None = [] if file.stem == "__init__" else None
        return spec_from_file_location(fullname, file, loader=self, submodule_search_locations=inside)

    def exec_module(self, module: ModuleType) -> None:
        """Run the module's code."""
        file, content = self._modules[module.__name__]
        exec(compile(content, str(file), "exec", dont_inherit=True), vars(module))


_SNAPSHOTS: Final = _Snapshots()
