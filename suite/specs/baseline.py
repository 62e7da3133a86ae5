"""The pretrained model's row on each track in use: read from a file, or made from the track and the targets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any

from suite.core.errors import Problem, SuiteError
from suite.core.yamlfile import Key, read_yaml
from suite.specs.experiment import Experiment
from suite.specs.load import Options, experiments_of, load_one
from suite.specs.merge import Layered
from suite.specs.workspace import Workspace, shipped, shown
from suite.tasks.definition import OF_LM_EVAL

BASELINE = "pretrained"  # same value as the board's; importing the board would double the time of a plan
OWN = ("method", "sweep", "targets", "name", "source", "about", "track")
"""Keys that `--set` changes in a spec only; other keys belong to the track."""


def baselines(
    experiments: Sequence[Experiment], options: Options, stored_targets: Mapping[str, Sequence[tuple[str, ...]]]
) -> tuple[tuple[Experiment, ...], tuple[str, ...]]:
    """The missing pretrained rows, one for each track of the experiments, and notes about them.

    `stored_targets` are the targets of stored pretrained rows, by track. A new row also answers for these.
    """
    rows_of_baseline: list[Experiment] = []
    notes: list[str] = []
    options = replace(options, sets=tuple(text for text in options.sets if _first(text) not in OWN), seeds="first")
    _check_names(experiments)
    for track, group in groupby(sorted(experiments, key=_track), key=_track):
        rows = list(group)
        explicit = [row for row in rows if row.method == BASELINE] or _from_file(rows, options)
        if explicit:
            rows_of_baseline += explicit
            notes += _unasked(rows, explicit)
        else:
            made = _made(rows, options, stored_targets.get(track, ()))
            rows_of_baseline.append(made)
            notes.append(_note_of_added(made))
    ids = {experiment.id for experiment in experiments}
    return tuple(row for row in rows_of_baseline if row.id not in ids), tuple(notes)


def _check_names(experiments: Iterable[Experiment]) -> None:
    """Raises SuiteError for specs that are named like the pretrained row but use another method."""
    wrong = {
        experiment.file: experiment.method
        for experiment in experiments
        if experiment.name == BASELINE and experiment.method != BASELINE
    }
    what = f"name: '{BASELINE}' is the name of the row that all are compared with, and this one trains with"
    if wrong:
        raise SuiteError.of(Problem(file, f"{what} {method}", "give it another name") for file, method in wrong.items())


def _track(experiment: Experiment) -> str:
    return experiment.track.name


def _first(text: str) -> str:
    return text.partition("=")[0].partition(".")[0].strip()


def _from_file(rows: Sequence[Experiment], options: Options) -> list[Experiment]:
    """Experiments of the nearest `pretrained.yaml` that names this track, or fits it and has all targets of the
    rows."""
    first = rows[0]
    roles = {role for row in rows for role in row.targets}
    for file in _files(first):
        of_this = not file.is_relative_to(shipped()) and _is_of(file, first)
        try:
            loaded = list(load_one(file, replace(options, track=str(first.track_file))))
        except SuiteError:
            if of_this:
                raise
            continue
        if of_this or roles <= {*loaded[0].targets, *loaded[0].held_out}:
            return [row for row in loaded if row.method == BASELINE]
    return []


def _files(row: Experiment) -> list[Path]:
    """Files called `pretrained.yaml` in the folders above a spec (nearest first) and in its workspace's folders."""
    spec = Path(row.file).resolve()
    roots = Workspace.around(spec, row.track_file).roots
    inside = [folder for folder in spec.parents if any(folder.is_relative_to(root) for root in roots)]
    folders = dict.fromkeys([spec.parent, *inside, *roots])
    return [file for folder in folders if (file := folder / f"{BASELINE}.yaml").is_file()]


def _is_of(file: Path, row: Experiment) -> bool:
    """Whether a spec names a row's track as its own track."""
    try:
        named = str(read_yaml(file, shown(file)).value.get("track", "micro"))
        return Workspace.around(file).track_file(named, f"{file}:1").resolve() == row.track_file
    except SuiteError:
        return False


def _made(rows: Sequence[Experiment], options: Options, stored_targets: Sequence[tuple[str, ...]]) -> Experiment:
    """Make the pretrained row with all targets of the track's rows, in the track's order.

    A task that another row on the same terms holds out stays a held-out task. If a stored row has the same targets in
    another order, the made row takes its order, so that both are one row.
    """
    first = rows[0]
    spec, options = Path(first.file), replace(options, track=str(first.track_file))
    settings: dict[str, Any] = {
        "name": BASELINE,
        "source": "the baseline of the table",
        "about": "The model as it came, untrained.",
        "method": {"name": BASELINE},
    }
    where: dict[Key, str] = {(): f"{shown(spec)}:1"}
    (bare,) = experiments_of(Layered(settings, where), spec, options)
    terms = bare.track.held_out.roles
    held_out = {role for row in rows if row.track.held_out.roles == terms for role in row.held_out}
    roles = {
        role for targets_of_row in (*(row.targets for row in rows), *stored_targets) for role in targets_of_row
    } - held_out
    own = [role for role in sorted(roles) if role.startswith(OF_LM_EVAL) and role not in bare.track.roles]
    targets = tuple(role for role in (*bare.track.roles, *own) if role in roles)
    targets = next((stored for stored in stored_targets if sorted(stored) == sorted(targets)), targets)
    (made,) = experiments_of(Layered({**settings, "targets": targets}, where), spec, options)
    return made


def _note_of_added(made: Experiment) -> str:
    targets = ", ".join(made.targets) or "none"
    return (
        f"the row '{BASELINE}' on track '{made.track.name}' is made from the track and the targets ({targets}); "
        f"a spec {BASELINE}.yaml would take its place"
    )


def _unasked(rows: Sequence[Experiment], explicit: Sequence[Experiment]) -> list[str]:
    """Notes about targets that the pretrained row of a file does not answer: nothing can be compared with them."""
    asked_roles = {role for row in explicit for role in (*row.targets, *row.held_out)}
    missing = dict.fromkeys(role for row in rows for role in row.targets if role not in asked_roles)
    if not missing:
        return []
    return [f"{explicit[0].file} does not ask the pretrained model the targets {', '.join(missing)}: add them there"]
