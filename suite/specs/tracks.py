"""A track: merge its file over the tracks it extends, check it, and find what a spec changes in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from suite.core.errors import Problem, SuiteError
from suite.core.yamlfile import Key, read_yaml
from suite.methods import MethodRegistry
from suite.specs.blocks import Track
from suite.specs.merge import Layered, layer_of
from suite.specs.paths import meant, placed
from suite.specs.validate import validate
from suite.specs.workspace import Workspace, shown

SOURCES = ("bundled", "hub", "path", "gguf")
WITHOUT_EFFECT = (
    "probes", "budget.checkpoint_minutes", "budget.gradient_checkpointing", "budget.keep_artifacts", "budget.max_disk",
    "budget.shard",
)  # fmt: skip
"""Beginnings of keys that change no result: a row that sets them is on the track's terms."""


def track_layer(workspace: Workspace, file: Path, extended_by: tuple[Path, ...] = ()) -> Layered:
    """A track's settings, merged over those of the track it `extends`. Raises SuiteError for a wrong name or a
    cycle."""
    own = layer_of(read_yaml(file, shown(file)))
    name = own.value.get("name", file.stem)
    if file.parent.name == "tracks" and name != file.stem:  # tracks are named by their files
        fix = f"write `name: {file.stem}` or rename the file"
        raise SuiteError(f"name: is {name!r} in a file called {file.name}", where=own.where(("name",)), fix=fix)
    parent = own.value.get("extends")
    if parent is None:
        return own
    where, before = own.where(("extends",)), (*extended_by, file.resolve())
    above = workspace.track_file(parent, where) if isinstance(parent, str) else None
    if above is None or above.resolve() in before:
        raise SuiteError(f"extends: is {parent!r}", where=where, fix="name another track, not one that leads back here")
    if "name" not in own.value:
        fix = "add `name:`; rows of the two would stand in one table otherwise"
        raise SuiteError("name: is missing, and a track that extends another has its own", where=own.where(()), fix=fix)
    below = track_layer(workspace, above, before)
    own = own.without("extends")
    return over_track(below, own.value, own.origins)


def load_track(workspace: Workspace, name: str) -> Track:
    """Load a single track. Raises SuiteError with every problem of its file."""
    layer = track_layer(workspace, workspace.track_file(name, "--track"))
    track, problems = validate(Track, layer)
    if track is None:
        raise SuiteError.of(problems)
    problems = method_problems(workspace.methods, track, layer)
    if problems:
        raise SuiteError.of(problems)
    return placed(track, layer.where)


def method_problems(registry: MethodRegistry, track: Track, layer: Layered) -> list[Problem]:
    """Problems of a track's `methods:` block. Settings of a method from outside are checked when the method is used."""
    problems: list[Problem] = []
    for name in track.methods:
        if name not in registry.names():
            where = layer.where(("methods", name))
            fix = f"known: {', '.join(registry.names())}"
            problems.append(Problem(where, f"methods.{name}: there is no such method", fix))
            continue
        if name not in registry.outside:
            _, more = validate(registry.get(name).Config, method_layer(registry, name, layer), ("methods", name))
            problems += more
    return problems


def method_layer(registry: MethodRegistry, name: str, track: Layered, spec: Layered = Layered()) -> Layered:
    """A method's settings on a track, overridden by those of a spec.

    A nested block starts from the track's settings of the method that it names, or else of its default method.
    """
    own = track.block("methods", name).over(spec.value, spec.origins)
    for field, usual in registry.inherits(name).items():
        other = own.block(field).value.get("name", usual)
        if other in registry.names():
            nested = method_layer(registry, other, track)
            base = Layered({field: nested.value}, {(field, *key): where for key, where in nested.origins.items()})
            own = base.over(own.value, own.origins)
    return own


def over_track(below: Layered, value: Mapping[str, Any], origins: Mapping[Key, str]) -> Layered:
    """A layer over a track's. Another model source replaces the one below instead of being merged with it."""
    model = value.get("model")
    if isinstance(model, Mapping) and any(source in model for source in SOURCES):
        of_another = (*SOURCES, "revision", "adapter")
        rest = {key: item for key, item in dict(below.value.get("model") or {}).items() if key not in of_another}
        below = Layered({**below.value, "model": rest}, below.origins)
    return below.over(value, origins)


def changes_of(below: Layered, changes: Mapping[str, Any], merged: Layered) -> tuple[str, ...]:
    """Dotted keys of a track that a spec or `--set` really changes. Paths are compared after they are resolved."""
    keys = {key for key in _changed(below.value, changes, ()) if not key.startswith(WITHOUT_EFFECT)}
    for source in ("path", "gguf", "adapter"):
        text, key = merged.block("model").value.get(source), ("model", source)
        if text is not None and meant(str(text), below.where(key)) != meant(str(text), merged.where(key)):
            keys.add(f"model.{source}")
    return tuple(sorted(keys))


def _changed(below: Any, above: Any, path: tuple[str, ...]) -> Iterable[str]:
    """Dotted keys whose values a layer really changes."""
    if isinstance(above, Mapping):
        for key, value in above.items():
            yield from _changed(below.get(key) if isinstance(below, Mapping) else None, value, (*path, key))
    elif above != below:
        yield ".".join(path)
