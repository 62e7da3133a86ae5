"""Listings, schemas, and a check of the machine."""

from __future__ import annotations

import importlib.metadata
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from suite import methods
from suite.cli.commands.tables import room, wrapped
from suite.core.block import Block
from suite.core.errors import Problem, SuiteError, did_you_mean
from suite.core.metrics import metrics
from suite.core.quantities import size
from suite.core.run_dir import RunDir
from suite.core.yamlfile import read_yaml
from suite.execution.provenance import versions
from suite.execution.run_log import newest_log
from suite.methods import MethodRegistry
from suite.models.source import LocatedModel, locate
from suite.plugins.pinned import PinnedPlugin, Plugins
from suite.specs import Spec, Track, Workspace, shipped, shown
from suite.specs.load import load_track
from suite.tasks.files import SUFFIXES
from suite.tasks.outside_metrics import definition

KINDS = ("specs", "methods", "metrics", "tracks", "roles")


def listing(what: str) -> Iterator[str]:
    """One line for each spec, method, metric, track or role."""
    if what not in (*KINDS, "all"):
        raise SuiteError(f"there is no list of '{what}'", fix=did_you_mean(what, (*KINDS, "all")))
    workspace = Workspace.here()
    for kind in KINDS if what == "all" else (what,):
        if what == "all":
            yield f"{kind}:"
        rows = list(_lines(kind, workspace))
        width = max((len(name) for name, _ in rows), default=0)
        lines = (f"  {name:<{width}}  {line}".rstrip() for name, line in rows)
        yield from wrapped(lines, room(), indent=f"{'':<{width + 4}}")


def _lines(kind: str, workspace: Workspace) -> Iterator[tuple[str, str]]:
    if kind == "specs":
        listed: list[Mapping[str, Any]] = []
        for file in workspace.specs():
            try:
                value = read_yaml(file, shown(file)).value
            except SuiteError as error:  # list a broken file with its fault, and list the other files, too
                yield file.stem, f"cannot be read: {error.problems[0]}"
                continue
            if value not in listed:  # files with equal content are one row
                listed.append(value)
                # shipped ones are named by their names, and stand in a folder of the installation
                place = "" if Path(shown(file)).is_absolute() and file.is_relative_to(shipped()) else f"{shown(file)}: "
                yield str(value.get("name", file.stem)), f"{place}{value.get('about', '')}".removesuffix(": ")
    elif kind == "methods":
        yield from _methods(workspace.methods)
    elif kind == "metrics":
        yield from _metrics(workspace.metrics)
    elif kind == "tracks":
        for name in workspace.tracks():
            track = load_track(workspace, name)
            yield name, track.title
    else:
        tracks = {name: load_track(workspace, name) for name in workspace.tracks()}
        for role in sorted({role for track in tracks.values() for role in track.roles}):
            tasks = sorted({track.roles[role] for track in tracks.values() if role in track.roles})
            yield role, ", ".join(tasks)


def _methods(registry: MethodRegistry) -> Iterator[tuple[str, str]]:
    """(name, description) of each method. Methods from outside are described by their origin, without running them."""
    for name in registry.names():
        try:
            origin = registry.origin(name)
            description = methods.get(name).__doc__ or "" if origin is None else f"{origin.about()} [{origin}]"
            yield name, description.strip().splitlines()[0]
        except SuiteError as error:
            yield name, f"refused: {error.problems[0]}"


def _metrics(added: Plugins) -> Iterator[tuple[str, str]]:
    """(name, scale) of each metric. Metrics from outside have a description and an origin; they are not run."""
    for name in sorted({*metrics(), *added.origins}):
        try:
            origin = added.origin(name)
            yield name, metrics()[name].summary if origin is None else f"{origin.about()} [{origin}]".strip()
        except SuiteError as error:
            yield name, f"refused: {error.problems[0]}"


def json_schema(what: str) -> str:
    """The JSON Schema of a spec, a track, or a method's block."""
    blocks: dict[str, type[Block]] = {"spec": Spec, "track": Track}
    registry = Workspace.here().methods
    names = (*blocks, *registry.names())
    if what not in names:
        raise SuiteError(f"there is no schema of '{what}'", fix=did_you_mean(what, names))
    origin = None if what in blocks else registry.origin(what)
    block = blocks[what] if what in blocks else registry.get(what).Config
    comment = {} if origin is None else {"$comment": f"the method '{what}' of {origin}"}
    return json.dumps({**comment, **block.model_json_schema()}, indent=2)


def diagnose(home: RunDir, data: Path | None, models: Path | None, *, deep: bool = False) -> tuple[bool, list[str]]:
    """Whether all checks pass, and a line for each. `deep`: also check everything that is stored."""
    checks: list[tuple[str, Callable[[], str]]] = [
        ("python and packages", lambda: ", ".join(f"{name} {version}" for name, version in versions().items())),
        ("device", _devices),
        ("disk", lambda: _disk(home.folder)),
        ("sandbox", _sandbox),
        ("data folder", lambda: _data(data)),
        ("models", lambda: _models(models)),
        ("specs", _shipped_specs),
        ("methods", _outside_methods),
        ("metrics", _outside_metrics),
        ("store", lambda: _store(home)),
        ("logs", lambda: _logs(home)),
        ("command", lambda: f"finetune-suite {_own_version()}"),
    ]
    healthy, lines = True, []
    for name, check in checks:
        try:
            lines.append(f"ok    {name}: {check()}")
        except SuiteError as error:
            healthy = False
            lines += [f"FAIL  {name}: {problem}" for problem in error.problems]
    if deep:
        from suite.cli.commands.health import check_deep

        sound, more = check_deep(home, data)
        healthy, lines = healthy and sound, [*lines, *more]
    return healthy, lines


def _logs(home: RunDir) -> str:
    count, newest = newest_log(home)
    return "no run has written one yet" if newest is None else f"{count} of past runs, the last one is {newest}"


def _own_version() -> str:
    try:
        return importlib.metadata.version("finetune-suite")
    except importlib.metadata.PackageNotFoundError:
        return "(not installed: running from the source tree)"


def _devices() -> str:
    import torch

    if torch.cuda.is_available():
        properties: Any = torch.cuda.get_device_properties  # not typed
        names = [properties(index).name for index in range(torch.cuda.device_count())]
        return ", ".join(f"cuda:{index} {name}" for index, name in enumerate(names))
    return f"cpu, {torch.get_num_threads()} threads"


def _sandbox() -> str:
    from suite.sandbox import bubblewrap

    return bubblewrap.bounds() or "none: tasks of generated programs are refused (install bubblewrap)"


def _disk(folder: Path) -> str:
    existing = folder.resolve()
    while not existing.exists():
        existing = existing.parent
    free = shutil.disk_usage(existing).free
    if free < 500_000_000:
        raise SuiteError(
            f"only {size(free)} free", where=str(existing), fix="artifacts need room: free some, or use --home"
        )
    return f"{size(free)} free in {existing}"


def _data(data: Path | None) -> str:
    if data is None:
        return "none given (--data): the bundled micro data, then the hub"
    if not data.is_dir():
        raise SuiteError(
            "there is no such folder", where=str(data), fix="it holds <dataset>/<split>.csv, .jsonl, .parquet …"
        )
    sets = sorted(folder.name for folder in data.iterdir() if any(file.suffix in SUFFIXES for file in folder.glob("*")))
    if not sets:
        raise SuiteError("has no <dataset>/<split>.csv, .jsonl, .parquet …", where=str(data))
    return f"{data}: {len(sets)} data sets ({', '.join(sets)})"


def _models(models: Path | None) -> str:
    workspace = Workspace.around()
    sources: list[str] = []
    for name in workspace.tracks():
        located = locate(load_track(workspace, name).model, models)
        sources.append(f"{name}: {_model_source(located)}")
    return "; ".join(sources)


def _model_source(located: LocatedModel) -> str:
    if located.folder is None:
        return f"{located.source.title}, on the hub"
    return f"{located.source.title}, here ({located.parameters / 1e6:.1f} M parameters)"


def _shipped_specs() -> str:
    count = sum(1 for _ in Workspace.around().specs())
    return f"{count} shipped, in {shown(shipped())}"


def _outside_methods() -> str:
    """The number of suite's own methods, and those from outside, loaded. Raises SuiteError with all broken ones."""
    registry = Workspace.here().methods
    return _loaded(registry.plugins, lambda plugin: registry.get(plugin.origin.name), len(methods.names()))


def _outside_metrics() -> str:
    """The same for metrics."""
    return _loaded(Workspace.here().metrics, lambda plugin: definition(plugin.origin.name, plugin), len(metrics()))


def _loaded(added: Plugins, load: Callable[[PinnedPlugin], object], own: int) -> str:
    """The number of suite's own plugins, and those from outside, loaded. Raises SuiteError with all broken ones."""
    lines, problems = [f"{own} of suite's own"], list[Problem]()
    for name in added.origins:
        try:
            plugin = added.plugin(name)
            assert plugin is not None
            load(plugin)
            lines.append(f"{name} ({plugin.origin}, source {plugin.source})")
        except SuiteError as error:
            problems += error.problems
    if problems:
        raise SuiteError.of(problems)
    return "; ".join(lines)


def _store(home: RunDir) -> str:
    from suite.results.store import Store, caution_about

    caution = "".join(f"; {line}" for line in filter(None, [caution_about(home.url)]))
    if not home.exists:
        return f"none yet at {home.folder} (made by the first run){caution}"
    with Store.open(home.url, create=False) as store:
        return f"{store.where}: {store.count_steps()} steps{caution}"
