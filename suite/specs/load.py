"""Turn YAML files into experiments: merge layers, look up every name, and report all problems at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from suite.core.block import Block
from suite.core.errors import Problem, SuiteError, did_you_mean
from suite.core.yamlfile import Key, parse_value, read_yaml
from suite.methods import MethodRegistry
from suite.specs.blocks import OVERRIDABLE, Spec, Sweep, Track
from suite.specs.experiment import Experiment
from suite.specs.experts import dispatch_problems, mixture_problems
from suite.specs.kinds import KINDS, kind_of
from suite.specs.merge import Layered, layer_of
from suite.specs.paths import placed
from suite.specs.rewards import reward_problems
from suite.specs.sweep import expand, readable
from suite.specs.terms import mix_problems, probe_problems
from suite.specs.tracks import changes_of, load_track, method_layer, method_problems, over_track, track_layer
from suite.specs.validate import sent_below, validate
from suite.specs.workspace import Workspace, shown
from suite.tasks.definition import OF_LM_EVAL, TaskFile, read_task

Seeds = Literal["first", "all"] | tuple[int, ...]
Reader = Callable[[str, tuple[Path, ...]], TaskFile]
"""`read_task`, or a cached version: specs share most of their tasks."""


__all__ = ["Options", "experiments_of", "load", "load_one", "load_track"]

NAMED = (("model",), ("chat",), ("selection", "patience"), ("budget", "shard"))
"""Settings of a track whose lines checks name."""


@dataclass(frozen=True)
class Options:
    """Changes that the command line makes to a spec."""

    track: str | None = None
    sets: tuple[str, ...] = ()
    """`key=value` texts; they are the last layer."""
    seeds: Seeds = "first"


def load(files: Sequence[Path], options: Options = Options()) -> tuple[Experiment, ...]:
    """All experiments of some spec files, one for each seed. Identical experiments of two files become one.

    Raises SuiteError with every problem of every file.
    """
    experiments: dict[str, Experiment] = {}
    problems: list[Problem] = []
    read = cache(read_task)
    for file in files:
        try:
            for experiment in load_one(file, options, read):
                experiments.setdefault(experiment.id, experiment)
        except SuiteError as error:
            problems.extend(error.problems)
    problems += [*_named_twice(experiments.values()), *_tracks_named_twice(experiments.values())]
    if problems:
        raise SuiteError.of(problems)
    return tuple(experiments.values())


def _named_twice(experiments: Iterable[Experiment]) -> Iterable[Problem]:
    """Problems for specs of one track that share a name but differ: a name is one row of the track's board."""
    first: dict[tuple[str, str], Experiment] = {}
    for experiment in experiments:
        earlier = first.setdefault((experiment.track.name, experiment.name), experiment)
        if earlier.variant != experiment.variant:
            name, track = experiment.name, experiment.track.name
            what = f"two specs are named '{name}' on track '{track}': {earlier.file} says something else"
            yield Problem(experiment.file, what, "rename one: names are the rows of the board")


def _tracks_named_twice(experiments: Iterable[Experiment]) -> Iterable[Problem]:
    """Problems for tracks that share a name but differ: their rows would be in one table."""
    first: dict[str, Experiment] = {}
    for file, experiment in {experiment.track_file: experiment for experiment in experiments}.items():
        earlier = first.setdefault(experiment.track.name, experiment)
        workspaces = [Workspace.around(Path(row.file), row.track_file) for row in (earlier, experiment)]
        tracks = [track_layer(*pair).value for pair in zip(workspaces, (earlier.track_file, file), strict=True)]
        if tracks[0] != tracks[1]:
            what = f"two tracks are named '{experiment.track.name}': {shown(earlier.track_file)} says something else"
            yield Problem(shown(file), what, "rename one: a track is a table of the leaderboard")


def load_one(file: Path, options: Options = Options(), read: Reader = read_task) -> tuple[Experiment, ...]:
    """The experiments of one spec file, one for each seed. Raises SuiteError for a file of another kind, too."""
    document = read_yaml(file, shown(file))
    kind = kind_of(file, document.value)
    if kind != "spec":
        raise SuiteError(f"is {KINDS[kind].article}, not a spec", where=shown(file), fix=KINDS[kind].use)
    return experiments_of(layer_of(document), file, options, read)


def experiments_of(
    layer: Layered, file: Path, options: Options = Options(), read: Reader = read_task
) -> tuple[Experiment, ...]:
    """The experiments of a spec's settings, one for each seed. `file` is the spec's own or that of the spec that needs
    it."""
    for text in options.sets:
        layer = _set(layer, text)
    spec, problems = validate(Spec, layer.without(*OVERRIDABLE), also=OVERRIDABLE)
    where = "--track" if options.track else layer.where(("track",)) or f"{shown(file)}:1"
    searched = Workspace.here(file) if options.track else Workspace.around(file)
    track_file = searched.track_file(options.track or (spec.track if spec else "micro"), where)
    workspace = Workspace.around(file, track_file)
    below = track_layer(workspace, track_file)
    changes = {key: value for key, value in layer.value.items() if key in OVERRIDABLE}
    merged = over_track(below, changes, layer.origins)
    track, track_problems = validate(Track, merged)
    problems += track_problems
    registry = workspace.methods
    method, config, more = _method(registry, layer, below)
    if method in registry.names():
        problems = sent_below(problems, registry.get(method).Config.model_fields, "method")
    problems += more
    sweep = spec.sweep if spec else readable(layer.value.get("sweep"))
    tries, more = _tries(registry, method, sweep, layer, below, sound=config is not None)
    problems += more
    if spec is None or track is None:
        raise SuiteError.of(problems)
    of_track = method_problems(registry, track, merged)
    problems = [*(problem for problem in problems if _at_end(problem) not in set(map(_at_end, of_track))), *of_track]
    trains = method in registry.names() and registry.get(method).TRAINS
    used = registry.roles_of(method, config, spec.targets, ()) if config is not None else {}
    tasks, more = _tasks(spec, track, trains, used, read, workspace.task_folders, layer, merged)
    problems += more
    retention, more = _retention(track, read, workspace.task_folders, merged)
    problems += more
    problems += _target_problems(registry, method, spec, layer)
    problems += probe_problems(track, merged)
    problems += mixture_problems(registry, method, tries or (config,), spec, layer)
    problems += dispatch_problems(registry, method, config, spec, tasks, layer)
    if config is not None:
        problems += mix_problems(registry, method, tries or (config,), spec.targets, track.budget.batch_size, layer)
        problems += reward_problems(registry, method, config, spec.targets, track.held_out.roles, tasks, layer, merged)
    if problems or config is None:
        raise SuiteError.of(problems)
    settings = _settings(registry, method, layer, below)
    lines = {("method", *key): where for key, where in settings.origins.items()}
    lines |= {key: where for key, where in layer.origins.items() if key[:1] == ("sweep",)}
    lines |= {key: merged.where(key) for key in NAMED}
    seeds = chosen_seeds(track, options.seeds)
    return tuple(
        Experiment(
            name=spec.name,
            source=spec.source,
            about=spec.about,
            file=shown(file),
            track=placed(track, merged.where),
            track_file=track_file.resolve(),
            method=method,
            config=placed(config, settings.where),
            targets=spec.targets,
            seed=seed,
            tasks=tasks,
            changes=changes_of(below, changes, merged),
            sets=options.sets,
            tries=tuple(placed(attempt, settings.where) for attempt in tries),
            retention=retention,
            lines=lines,
            methods=registry,
        )
        for seed in (seeds if registry.get(method).TRAINS else seeds[:1])  # without training the seed cannot matter
    )


def _at_end(problem: Problem) -> tuple[str, str, str, str]:
    """A problem without the path of blocks that leads to its key: `method.ranks` and `methods.lora.ranks` are one."""
    path, _, what = problem.what.partition(": ")
    return problem.where, path.rpartition(".")[2], what, problem.fix


def chosen_seeds(track: Track, seeds: Seeds) -> tuple[int, ...]:
    """The track's first seed, all of its seeds, or the named seeds."""
    if seeds == "first":
        return track.seeds[:1]
    return track.seeds if seeds == "all" else seeds


def _method(registry: MethodRegistry, spec: Layered, track: Layered) -> tuple[str, Block | None, list[Problem]]:
    block = spec.block("method")
    name, where = block.value.get("name"), spec.where(("method",))
    if not isinstance(spec.value.get("method"), Mapping):
        return "", None, []  # reported before: the spec's own block is checked first
    if not isinstance(name, str):
        known_names = "known: " + ", ".join(registry.names())
        return "", None, [Problem(where, "method.name: is missing or not a text", known_names)]
    if name not in registry.names():
        where = spec.where(("method", "name"))
        fix = f"known: {', '.join(registry.names())}"  # the one that is spelt most alike is another method
        return name, None, [Problem(where, f"method.name: there is no method '{name}'", fix)]
    config, problems = validate(registry.get(name).Config, _settings(registry, name, spec, track), ("method",))
    return name, config, problems


def _settings(registry: MethodRegistry, method: str, spec: Layered, track: Layered) -> Layered:
    """A method's settings on a track, overridden by the spec's."""
    return method_layer(registry, method, track, spec.block("method").without("name"))


def _tries(
    registry: MethodRegistry, method: str, sweep: Sweep | None, layer: Layered, track: Layered, *, sound: bool
) -> tuple[tuple[Block, ...], list[Problem]]:
    """The tries of the spec's sweep and its problems; no tries without a sweep."""
    if sweep is None or method not in registry.names():
        return (), []
    if registry.get(method).train is None:
        what = "has no train step of its own" if registry.get(method).TRAINS else "trains nothing"
        problem = Problem(layer.where(("sweep",)), f"sweep: {method} {what}, so there is nothing to choose between")
        return (), [problem]
    return expand(registry.get(method).Config, _settings(registry, method, layer, track), sweep, layer, sound=sound)


def _tasks(
    spec: Spec, track: Track, trains: bool, used: Iterable[str], read: Reader, folders: tuple[Path, ...],
    layer: Layered, merged: Layered,
) -> tuple[dict[str, TaskFile], list[Problem]]:  # fmt: skip
    """Role -> task for all roles in use, and problems for roles and tasks that do not exist."""
    problems: list[Problem] = []
    tasks: dict[str, TaskFile] = {}
    reported: list[Problem] = []
    used_roles: list[tuple[str, Key, Layered, str]] = [
        *((role, ("targets", index), layer, "targets") for index, role in enumerate(spec.targets)),
        *(
            (role, ("held_out", "roles", index), merged, "held_out.roles")
            for index, role in enumerate(track.held_out.roles)
        ),
    ]
    roles = {role for role, *_ in used_roles}
    used_roles += [(role, ("method",), layer, "method") for role in used if role not in roles]
    for role, key, settings, path in used_roles:
        if role not in track.roles and not role.startswith(OF_LM_EVAL):
            fix = did_you_mean(role, track.roles)
            what = f"{path}: there is no role '{role}' in track '{track.name}'"
            problems.append(Problem(settings.where(key), what, fix))
            continue
        try:
            tasks[role] = read(track.roles.get(role, role), folders)
        except SuiteError as error:
            if role in track.roles:
                path, where = f"roles.{role}", merged.where(("roles", role))
            else:
                where = settings.where(key)
            new = [problem for problem in error.problems if not problem.where or problem not in reported]
            problems += [Problem(problem.where or where, f"{path}: {problem.what}", problem.fix) for problem in new]
            reported += new  # report a problem of a file once, even if several tasks share the file
    for number, role in enumerate(spec.targets):
        if trains and role in tasks and not tasks[role].config.get("training_split"):
            what = f"targets: '{role}' is task '{tasks[role].name}', which has no training split"
            problems.append(Problem(layer.where(("targets", number)), what, "choose a role with one to train for"))
    return tasks, problems


def _retention(
    track: Track, read: Reader, folders: tuple[Path, ...], merged: Layered
) -> tuple[TaskFile | None, list[Problem]]:
    """The task of the track's retention data, and its problems."""
    if track.retention is None:
        return None, []
    where = merged.where(("retention",))
    try:
        task = read(track.roles.get(track.retention, track.retention), folders)
    except SuiteError as error:
        return None, [Problem(each.where or where, f"retention: {each.what}", each.fix) for each in error.problems]
    if not task.config.get("training_split"):
        fix = "name a task with one"
        return None, [Problem(where, f"retention: task '{task.name}' has no training split", fix)]
    return task, []


def _target_problems(registry: MethodRegistry, method: str, spec: Spec, layer: Layered) -> Iterable[Problem]:
    where = layer.where(("targets",)) or layer.where(())
    if method in registry.names() and registry.get(method).TRAINS and not spec.targets:
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
