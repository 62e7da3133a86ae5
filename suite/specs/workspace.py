"""Where specs, tracks and tasks are found: beside the spec first, then among those that come with the package."""

from __future__ import annotations

import importlib.resources
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from suite.core.errors import SuiteError, did_you_mean
from suite.methods import MethodRegistry
from suite.plugins.pinned import Plugins
from suite.specs.paths import yaml_beside
from suite.tasks.outside_metrics import plugins_in

KINDS = ("tracks", "tasks", "claims", "tables")
"""The folders of a workspace whose files are no specs."""
DEEPEST = 2
"""Specs are in a workspace's folder, or this many folders below it at most: a home directory is not searched whole."""


def shipped() -> Path:
    """The folder of the shipped specs, tracks, tasks, claims and tables (in an installation, or in the repository)."""
    package = Path(str(importlib.resources.files("suite")))
    installed = package / "shipped"
    return installed if installed.is_dir() else package.parent / "specs"


def published() -> Path | None:
    """The folder of published records, in the repository or an installation; None if there are none."""
    folder = Path(str(importlib.resources.files("leaderboard"))) / "records"
    return folder if folder.is_dir() else None


@dataclass(frozen=True)
class Workspace:
    """The folders that are searched, nearest first; each may have `tracks/` and `tasks/`."""

    roots: tuple[Path, ...]
    with_code: tuple[Path, ...] = ()
    """Those of them that are a user's own, and the specs' folders, nearest first: each may have `methods/`."""

    @classmethod
    def around(cls, *files: Path) -> Workspace:
        """The folders above some files that have tracks or tasks of their own, then the shipped ones."""
        parents = [folder for file in files for folder in list(file.resolve().parents)[:4]]
        own = [folder for folder in parents if any(_has_yaml(folder / kind) for kind in ("tracks", "tasks"))]
        roots = [*own, shipped()]
        with_code = [*(file.resolve().parent for file in files), *own]
        return cls(tuple(dict.fromkeys(root.resolve() for root in roots)), tuple(dict.fromkeys(with_code)))

    @classmethod
    def here(cls, *files: Path) -> Workspace:
        """The same, and the folders of the working directory: what a name on the command line is looked for in."""
        here = Path.cwd()
        workspace = cls.around(*files, here / "specs" / "x.yaml")
        return replace(workspace, with_code=tuple(dict.fromkeys([*workspace.with_code, here.resolve()])))

    @cached_property
    def methods(self) -> MethodRegistry:
        """The methods that its specs may name: `methods/*.py` of its folders, those of packages, and suite's own."""
        return MethodRegistry.of(self.with_code)

    @property
    def metrics(self) -> Plugins:
        """The metrics that packages add, and `metrics/*.py` beside its `tasks/`."""
        return plugins_in([root / "tasks" for root in self.roots])

    @property
    def task_folders(self) -> tuple[Path, ...]:
        """The folders of task YAML, nearest first."""
        return tuple(root / "tasks" for root in self.roots if (root / "tasks").is_dir())

    def tracks(self) -> dict[str, Path]:
        """Every track's file by name; the nearest wins."""
        tracks: dict[str, Path] = {}
        for root in self.roots:
            for file in sorted((root / "tracks").glob("*.yaml")):
                tracks.setdefault(file.stem, file)
        return dict(sorted(tracks.items()))

    def track_file(self, name: str, where: str) -> Path:
        """The file of a track, by name or path. Raises SuiteError with the known names.

        `where` is the ``file:line`` that names it (a path is relative to that file), or an option of the command line.
        """
        if is_path(name):
            return yaml_beside(name, where)
        tracks = self.tracks()
        if name not in tracks:
            other = next((file for root in self.roots if (file := root / "tracks" / f"{name}.yml").is_file()), None)
            fix = f"rename {shown(other)} to {name}.yaml" if other else did_you_mean(name, tracks)
            raise SuiteError(f"there is no track '{name}'", where=where, fix=fix)
        return tracks[name]

    def specs(self) -> Iterator[Path]:
        """Every shipped or neighbouring spec file."""
        relative_paths: set[str] = set()
        for root in self.roots:
            for file in sorted(_yaml_files(root, DEEPEST)):
                inside = file.relative_to(root)
                if inside.parts[0] not in KINDS and str(inside) not in relative_paths:
                    relative_paths.add(str(inside))
                    yield file


def _has_yaml(folder: Path) -> bool:
    return folder.is_dir() and any(folder.glob("*.yaml"))


def _yaml_files(folder: Path, depth: int) -> Iterator[Path]:
    try:
        entries = list(folder.iterdir())
    except OSError:  # not ours to read, or gone since
        return
    for entry in entries:
        if entry.suffix == ".yaml" and entry.is_file():
            yield entry
        elif depth and not entry.name.startswith(".") and entry.is_dir():
            yield from _yaml_files(entry, depth - 1)


def is_path(name: str) -> bool:
    """Whether a track or a table is named by its file."""
    return name.endswith((".yaml", ".yml")) or "/" in name or "\\" in name


def files_of(kind: str) -> dict[str, Path]:
    """The files of `specs/KIND/` or `KIND/` here, and the shipped ones, by name; of one name the nearest."""
    files: dict[str, Path] = {}
    for folder in (Path("specs") / kind, Path(kind), shipped() / kind):
        for file in sorted(folder.glob("*.yaml")):
            files.setdefault(file.stem, file)
    return files


def shown(path: Path) -> str:
    """A path as a person would type it: relative to the current folder where that is shorter."""
    try:
        relative = path.resolve().relative_to(Path.cwd())
    except ValueError:
        return str(path)
    return str(relative)
