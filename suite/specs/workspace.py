"""Find specs, tracks and tasks: beside the spec first, then among those that ship with the package."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from suite.core.code_key import package_folder
from suite.core.errors import SuiteError, did_you_mean
from suite.methods import MethodRegistry
from suite.plugins.pinned import Plugins
from suite.specs.paths import yaml_beside
from suite.tasks.outside_metrics import plugins_in

KINDS = ("tracks", "tasks", "claims", "tables")
"""Folders of a workspace whose files are not specs."""
DEEPEST = 2
"""Maximum depth of specs below a workspace's folder, so that a home directory is not searched completely."""


def shipped() -> Path:
    """The folder of the shipped specs, tracks, tasks, claims and tables (in an installation or in the repository)."""
    package = package_folder("suite")
    installed = package / "shipped"
    return installed if installed.is_dir() else package.parent / "specs"


def published() -> Path | None:
    """The folder of published records, in the repository or an installation; None if there is none."""
    folder = package_folder("leaderboard") / "records"
    return folder if folder.is_dir() else None


@dataclass(frozen=True)
class Workspace:
    """The folders to search, nearest first; each may have `tracks/` and `tasks/`."""

    roots: tuple[Path, ...]
    with_code: tuple[Path, ...] = ()
    """The user's own folders and the specs' folders, nearest first; each may have `methods/`."""

    @classmethod
    def around(cls, *files: Path) -> Workspace:
        """The workspace of some files: the folders above them that have tracks or tasks, then the shipped ones."""
        parents = [folder for file in files for folder in list(file.resolve().parents)[:4]]
        own = [folder for folder in parents if any(_has_yaml(folder / kind) for kind in ("tracks", "tasks"))]
        roots = [*own, shipped()]
        with_code = [*(file.resolve().parent for file in files), *own]
        return cls(tuple(dict.fromkeys(root.resolve() for root in roots)), tuple(dict.fromkeys(with_code)))

    @classmethod
    def here(cls, *files: Path) -> Workspace:
        """Like `around`, and with the working directory's folders: for names on the command line."""
        here = Path.cwd()
        workspace = cls.around(*files, here / "specs" / "x.yaml")
        return replace(workspace, with_code=tuple(dict.fromkeys([*workspace.with_code, here.resolve()])))

    @cached_property
    def methods(self) -> MethodRegistry:
        """The registry of methods for its specs: `methods/*.py` of its folders, those of packages, and this package's
        own."""
        return MethodRegistry.of(self.with_code)

    @property
    def metrics(self) -> Plugins:
        """The metrics of installed packages, and `metrics/*.py` beside its `tasks/`."""
        return plugins_in([root / "tasks" for root in self.roots])

    @property
    def task_folders(self) -> tuple[Path, ...]:
        """The folders of task YAML, nearest first."""
        return tuple(root / "tasks" for root in self.roots if (root / "tasks").is_dir())

    def tracks(self) -> dict[str, Path]:
        """Name -> file of each track; the nearest one wins."""
        tracks: dict[str, Path] = {}
        for root in self.roots:
            for file in sorted((root / "tracks").glob("*.yaml")):
                tracks.setdefault(file.stem, file)
        return dict(sorted(tracks.items()))

    def track_file(self, name: str, where: str) -> Path:
        """The file of a track, by name or path. Raises SuiteError with the known names.

        `where` is the ``file:line`` that names the track (a path is relative to that file), or an option of the command
        line.
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
        """The workspace's spec files; the nearest of one relative path wins."""
        relative_paths: set[str] = set()
        for root in self.roots:
            for file in sorted(_yaml_files(root, DEEPEST)):
                inside = file.relative_to(root)
                if inside.parts[0] not in KINDS and str(inside) not in relative_paths:
                    relative_paths.add(str(inside))
                    yield file


def spec_file(argument: Path) -> Path:
    """The file of a spec that the command line names: a path, or a name as `suite list` prints it.

    Raises SuiteError for a name that no spec has, and for a path that is not there but is that of a shipped spec.
    """
    if argument.is_file() or (is_path(str(argument)) and not _shipped_as(argument)):
        return argument
    named = {file.stem: file for file in reversed([*Workspace.here().specs()])}
    if is_path(str(argument)):
        what, fix = "there is no such file", f"`{argument.stem}` names the spec that comes with suite"
        raise SuiteError(what, where=str(argument), fix=fix)
    if str(argument) not in named:
        if argument.exists():  # reading it says what is wrong with it
            return argument
        fix = f"{did_you_mean(str(argument), named)} (`suite list specs`)"
        raise SuiteError(f"there is no spec '{argument}'", fix=fix)
    return named[str(argument)]


def _shipped_as(argument: Path) -> bool:
    """Whether the path is that of a shipped spec, from another folder."""
    return argument.parts[:1] == ("specs",) and shipped().joinpath(*argument.parts[1:]).is_file()


def _has_yaml(folder: Path) -> bool:
    return folder.is_dir() and any(folder.glob("*.yaml"))


def _yaml_files(folder: Path, depth: int) -> Iterator[Path]:
    try:
        entries = list(folder.iterdir())
    except OSError:  # not readable, or removed meanwhile
        return
    for entry in entries:
        if entry.suffix == ".yaml" and entry.is_file():
            yield entry
        elif depth and not entry.name.startswith(".") and entry.is_dir():
            yield from _yaml_files(entry, depth - 1)


def is_path(name: str) -> bool:
    """Whether a track or a table is named by a path."""
    return name.endswith((".yaml", ".yml")) or "/" in name or "\\" in name


def files_of(kind: str) -> dict[str, Path]:
    """Files in `specs/KIND/` or `KIND/` of the working directory, then shipped ones, by name; the nearest of one
    name."""
    files: dict[str, Path] = {}
    for folder in (Path("specs") / kind, Path(kind), shipped() / kind):
        for file in sorted(folder.glob("*.yaml")):
            files.setdefault(file.stem, file)
    return files


def shown(path: Path) -> str:
    """A path as a person would type it: relative to the working directory if that is shorter."""
    try:
        relative = path.resolve().relative_to(Path.cwd())
    except ValueError:
        return str(path)
    return str(relative)
