"""From YAML files to experiments: layers merged, every name looked up, all problems reported at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from suite import methods
from suite.block import Block
from suite.errors import Problem, SuiteError, did_you_mean
from suite.specs.blocks import OVERRIDABLE, Spec, Sweep, Track
from suite.specs.experiment import Experiment
from suite.specs.experts import dispatch_problems, mixture_problems
from suite.specs.merge import Layered, layer_of
from suite.specs.rewards import reward_problems
from suite.specs.sweep import expand, readable
from suite.specs.terms import mix_problems, probe_problems
from suite.specs.validate import sent_below, validate
from suite.specs.workspace import Workspace, shown
from suite.tasks.definition import TaskFile, read_task
from suite.yamlfile import Key, parse_value, read_yaml

Seeds = Literal["first", "all"] | tuple[int, ...]
Reader = Callable[[str, tuple[Path, ...]], TaskFile]
"""`read_task`, or one that remembers: specs share most of their tasks."""
SOURCES = ("bundled", "hub", "path", "gguf")


@dataclass(frozen=True)
class Options:
    """What the command line may change about a spec."""

    track: str | None = None
    sets: tuple[str, ...] = ()
    """`key=value` texts, the last layer."""
    seeds: Seeds = "first"


def load(files: Sequence[Path], options: Options = Options()) -> tuple[Experiment, ...]:
    """All experiments of some spec files, one a seed; what two files say alike is one.

    Raises SuiteError with every problem of every file.
    """
    experiments: list[Experiment] = []
    problems: list[Problem] = []
    read = cache(read_task)
    for file in files:
        try:
            known = {experiment.id for experiment in experiments}
            experiments.extend(each for each in load_one(file, options, read) if each.id not in known)
        except SuiteError as error:
            problems.extend(error.problems)
    names = [experiment.name for experiment in experiments if experiment.seed == experiments[0].seed]
    twice = sorted({name for name in names if names.count(name) > 1})
    problems += [Problem("", f"two specs are named '{name}'", "names are the rows of the board") for name in twice]
    if problems:
        raise SuiteError.of(problems)
    return tuple(experiments)


def load_one(file: Path, options: Options = Options(), read: Reader = read_task) -> tuple[Experiment, ...]:
    """One spec file's experiments, one a seed."""
    layer = layer_of(read_yaml(file, shown(file)))
    for text in options.sets:
        layer = _set(layer, text)
    spec, problems = validate(Spec, layer.without(*OVERRIDABLE), also=OVERRIDABLE)
    workspace = Workspace.around(file)
    track_name = options.track or (spec.track if spec else "micro")
    where = "--track" if options.track else layer.where(("track",)) or f"{shown(file)}:1"
    below = track_layer(workspace, track_name, where)
    changes = {key: value for key, value in layer.value.items() if key in OVERRIDABLE}
    merged = _over_track(below, changes, layer.origins)
    track, track_problems = validate(Track, merged)
    problems += track_problems
    method, config, more = _method(layer, below)
    if method in methods.names():
        problems = sent_below(problems, methods.get(method).Config.model_fields, "method")
    problems += more
    sweep = spec.sweep if spec else readable(layer.value.get("sweep"))
    tries, more = _tries(method, sweep, layer, below, sound=config is not None)
    problems += more
    if spec is None or track is None:
        raise SuiteError.of(problems)
    problems += method_problems(track, merged)
    trains = method in methods.names() and methods.get(method).TRAINS
    used = methods.roles_of(method, config, spec.targets, ()) if config is not None else {}
    tasks, more = _tasks(spec, track, trains, used, read, workspace.task_folders, layer, merged)
    problems += more
    problems += _target_problems(method, spec, layer)
    problems += probe_problems(track, merged)
    problems += mixture_problems(method, tries or (config,), spec, layer)
    problems += dispatch_problems(method, config, spec, tasks, layer)
    if config is not None:
        problems += mix_problems(config, spec.targets, track.budget.batch_size, layer)
        problems += reward_problems(method, config, spec.targets, track.held_out.roles, tasks, layer, merged)
    if problems or config is None:
        raise SuiteError.of(problems)
    terms = {key: value for key, value in changes.items() if key != "probes"}
    changed = tuple(sorted(_changed(below.value, terms, ())))
    lines = {("method", *key): where for key, where in _settings(method, layer, below).origins.items()}
    lines |= {key: where for key, where in layer.origins.items() if key[:1] == ("sweep",)}
    seeds = chosen_seeds(track, options.seeds)
    return tuple(
        Experiment(
            name=spec.name,
            source=spec.source,
            about=spec.about,
            file=shown(file),
            track=track,
            track_name=track_name,
            method=method,
            config=config,
            targets=spec.targets,
            seed=seed,
            tasks=tasks,
            changes=changed,
            sets=options.sets,
            tries=tries,
            lines=lines,
        )
        for seed in (seeds if methods.get(method).TRAINS else seeds[:1])  # no training: no seed can matter
    )


def chosen_seeds(track: Track, seeds: Seeds) -> tuple[int, ...]:
    """The track's first seed, all of them, or the ones named."""
    if seeds == "first":
        return track.seeds[:1]
    return track.seeds if seeds == "all" else seeds


def track_layer(workspace: Workspace, name: str, where: str, seen: tuple[str, ...] = ()) -> Layered:
    """A track's settings, over those of the track it `extends`."""
    file = workspace.track_file(name, where)
    own = layer_of(read_yaml(file, shown(file)))
    parent = own.value.get("extends")
    if parent is None:
        return own
    where = own.where(("extends",))
    if not isinstance(parent, str) or parent in (*seen, name):
        raise SuiteError(f"extends: is {parent!r}", where=where, fix="name another track, not one that leads back here")
    below = track_layer(workspace, parent, where, (*seen, name))
    own = own.without("extends")
    return _over_track(below, own.value, own.origins)


def load_track(workspace: Workspace, name: str) -> Track:
    """A track on its own. Raises SuiteError with every problem of its file."""
    layer = track_layer(workspace, name, "--track")
    track, problems = validate(Track, layer)
    if track is None:
        raise SuiteError.of(problems)
    problems = method_problems(track, layer)
    if problems:
        raise SuiteError.of(problems)
    return track


def method_problems(track: Track, layer: Layered) -> list[Problem]:
    """What is wrong in a track's `methods:` block."""
    problems: list[Problem] = []
    for name in track.methods:
        if name not in methods.names():
            where = layer.where(("methods", name))
            problems.append(
                Problem(where, f"methods.{name}: there is no such method", did_you_mean(name, methods.names()))
            )
            continue
        _, more = validate(methods.get(name).Config, _method_layer(name, layer), ("methods", name))
        problems += more
    return problems


def _method_layer(name: str, track: Layered, spec: Layered = Layered()) -> Layered:
    """A method's settings on a track, and those of a spec over them.

    A nested block starts from the track's settings of the method it stands for, or of the one that it names.
    """
    own = track.block("methods", name).over(spec.value, spec.origins)
    for field, usual in methods.inherits(name).items():
        other = own.block(field).value.get("name", usual)
        if other in methods.names():
            nested = _method_layer(other, track)
            base = Layered({field: nested.value}, {(field, *key): where for key, where in nested.origins.items()})
            own = base.over(own.value, own.origins)
    return own


def _method(spec: Layered, track: Layered) -> tuple[str, Block | None, list[Problem]]:
    block = spec.block("method")
    name, where = block.value.get("name"), spec.where(("method",))
    if not isinstance(spec.value.get("method"), Mapping):
        return "", None, []  # said already: the spec's own block is checked before
    if not isinstance(name, str):
        known = "known: " + ", ".join(methods.names())
        return "", None, [Problem(where, "method.name: is missing or not a text", known)]
    if name not in methods.names():
        where = spec.where(("method", "name"))
        fix = did_you_mean(name, methods.names())
        return name, None, [Problem(where, f"method.name: there is no method '{name}'", fix)]
    config, problems = validate(methods.get(name).Config, _settings(name, spec, track), ("method",))
    return name, config, problems


def _settings(method: str, spec: Layered, track: Layered) -> Layered:
    """A method's settings on a track, with the spec's own on top."""
    return _method_layer(method, track, spec.block("method").without("name"))


def _tries(
    method: str, sweep: Sweep | None, layer: Layered, track: Layered, *, sound: bool
) -> tuple[tuple[Block, ...], list[Problem]]:
    """What the spec's sweep tries; none without a sweep."""
    if sweep is None or method not in methods.names():
        return (), []
    if methods.get(method).train is None:
        what = "has no train step of its own" if methods.get(method).TRAINS else "trains nothing"
        problem = Problem(layer.where(("sweep",)), f"sweep: {method} {what}, so there is nothing to choose between")
        return (), [problem]
    return expand(methods.get(method).Config, _settings(method, layer, track), sweep, layer, sound=sound)


def _tasks(
    spec: Spec, track: Track, trains: bool, used: Iterable[str], read: Reader, folders: tuple[Path, ...],
    layer: Layered, merged: Layered,
) -> tuple[dict[str, TaskFile], list[Problem]]:  # fmt: skip
    """Role -> task for all roles in use, and the roles and tasks that are not there."""
    problems: list[Problem] = []
    tasks: dict[str, TaskFile] = {}
    wanted: list[tuple[str, Key, Layered, str]] = [
        *((role, ("targets", place), layer, "targets") for place, role in enumerate(spec.targets)),
        *(
            (role, ("held_out", "roles", place), merged, "held_out.roles")
            for place, role in enumerate(track.held_out.roles)
        ),
    ]
    known = {role for role, *_ in wanted}
    wanted += [(role, ("method",), layer, "method") for role in used if role not in known]
    for role, key, settings, path in wanted:
        if role not in track.roles:
            fix = did_you_mean(role, track.roles)
            what = f"{path}: there is no role '{role}' in track '{track.name}'"
            problems.append(Problem(settings.where(key), what, fix))
            continue
        try:
            tasks[role] = read(track.roles[role], folders)
        except SuiteError as error:
            place = merged.where(("roles", role))
            problems += [Problem(p.where or place, f"roles.{role}: {p.what}", p.fix) for p in error.problems]
    for number, role in enumerate(spec.targets):
        if trains and role in tasks and not tasks[role].config.get("training_split"):
            what = f"targets: '{role}' is task '{tasks[role].name}', which has no training split"
            problems.append(Problem(layer.where(("targets", number)), what, "choose a role with one to train for"))
    return tasks, problems


def _target_problems(method: str, spec: Spec, layer: Layered) -> Iterable[Problem]:
    where = layer.where(("targets",)) or layer.where(())
    if method in methods.names() and methods.get(method).TRAINS and not spec.targets:
        yield Problem(where, f"targets: is missing, and {method} trains for a target", "name a role: `targets: [rte]`")
    if len(set(spec.targets)) < len(spec.targets):
        yield Problem(where, "targets: names a role twice", "name each once")


def _set(layer: Layered, text: str) -> Layered:
    key, sign, value = text.partition("=")
    path = tuple(key.strip().split("."))
    if not sign or not all(path):
        raise SuiteError(f"'{text}' is not key=value", where="--set", fix="write --set budget.batch_size=16")
    if path[0] == "sweep" and len(path) > 1:
        path = ("sweep", ".".join(path[1:]))  # a sweep's keys are dotted themselves
    nested: Any = parse_value(value)
    for part in reversed(path):
        nested = {part: nested}
    return layer.over(nested, {path[: depth + 1]: f"--set {text}" for depth in range(len(path))})


def _over_track(below: Layered, value: Mapping[str, Any], origins: Mapping[Key, str]) -> Layered:
    """A layer over a track's; another model source takes the place of the one below instead of joining it."""
    model = value.get("model")
    if isinstance(model, Mapping) and any(source in model for source in SOURCES):
        kept = {
            key: item for key, item in dict(below.value.get("model") or {}).items() if key not in (*SOURCES, "revision")
        }
        below = Layered({**below.value, "model": kept}, below.origins)
    return below.over(value, origins)


def _changed(below: Any, above: Any, path: tuple[str, ...]) -> Iterable[str]:
    """The dotted keys whose value a layer really changes."""
    if isinstance(above, Mapping):
        for key, value in above.items():
            yield from _changed(below.get(key) if isinstance(below, Mapping) else None, value, (*path, key))
    elif above != below:
        yield ".".join(path)
