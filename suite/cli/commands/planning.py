"""Make a plan from the command line's arguments, and print it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import yaml

from suite.api import planning
from suite.api.disk import DiskEstimate
from suite.api.planning import PlannedRun, PlannedStep
from suite.cli.commands.tables import room, wrapped
from suite.core.devices import CPU
from suite.core.errors import SuiteError
from suite.core.quantities import clock, size
from suite.core.run_dir import RunDir
from suite.execution.progress import Verbosity
from suite.planning import Plan
from suite.planning.machine import TargetMachine
from suite.specs import Options
from suite.specs.load import Seeds

MAX_LISTED = 60


def planned(
    specs: Sequence[Path],
    track: str | None,
    sets: Sequence[str],
    seeds: str,
    data: Path | None,
    models: Path | None,
    home: RunDir,
    *,
    baseline: bool,
    restore: bool = False,
    device: str | None = None,
    machine: TargetMachine | None = None,
) -> PlannedRun:
    """The plan for some spec files and for the pretrained model on their tracks, with estimates for a device."""
    planning.check_folders(data, models)
    spec = planning.loaded(specs, Options(track, tuple(sets), _seeds(seeds)))
    return planning.planned(
        spec, home, data, models, baseline=baseline, restore=restore, device=device, machine=machine
    )


def own_specs() -> tuple[Path, ...]:
    """The specs of the workspace in the working directory. Raises SuiteError if there is no workspace."""
    here = Path("specs")
    specs = tuple(sorted(here.glob("*.yaml"))) if any((here / "tracks").glob("*.yaml")) else ()
    if not specs:
        what = "no spec is named, and there is no workspace here (specs/*.yaml and specs/tracks/)"
        raise SuiteError(what, fix="name a spec, or make a workspace: `suite new FOLDER --data FILE`")
    return specs


def _seeds(text: str) -> Seeds:
    if text == "first":
        return "first"
    return "all" if text == "all" else seeds_of(text, "first, all")


def seeds_of(text: str, words: str) -> tuple[int, ...]:
    """Parse numbers separated by commas. Raises SuiteError, whose fix also names the allowed `words`."""
    try:
        seeds = tuple(int(part) for part in text.split(","))
    except ValueError:
        seeds = ()
    if not seeds or min(seeds) < 0 or len(set(seeds)) < len(seeds):
        raise SuiteError(f"'{text}' names no seeds", where="--seeds", fix=f"write {words}, or numbers: 0,1,2")
    return seeds


def verbosity_of(*, quiet: bool, verbose: bool) -> Verbosity:
    """The verbosity of a run. Raises SuiteError if both flags are set."""
    if quiet and verbose:
        raise SuiteError("a run cannot say less and more", where="--quiet --verbose", fix="name one of them")
    return "quiet" if quiet else "verbose" if verbose else "normal"


def show_plan(run: PlannedRun, *, memory: bool = True) -> None:
    """Print the plan: each step once with its state, then what is left to do and its cost, with or without a rough
    estimate of its memory."""
    for line in wrapped(plan_lines(run, memory=memory), room()):
        print(line)
    run.disk(run.steps()).require()


def plan_lines(run: PlannedRun, *, memory: bool = True) -> Iterator[str]:
    """The plan as lines of text."""
    plan, steps = run.plan, run.steps()
    requested = sum(len(dict.fromkeys(link.step for link in experiment.links)) for experiment in plan.experiments)
    for step in steps[:MAX_LISTED]:
        yield _step_line(step)
    if len(steps) > MAX_LISTED:
        yield f"… and {len(steps) - MAX_LISTED} more"
    todo = [step for step in steps if step.status != "done"]
    kinds = Counter(step.kind for step in todo)
    yield ""
    yield (
        f"{len(plan.experiments)} experiments ask for {requested} steps: {len(steps)} distinct, "
        f"{requested - len(steps)} shared, {len(steps) - len(todo)} done"
    )
    if requested > len(steps):
        yield f"sharing saves {_saved(steps)}"
    yield f"to do: {kinds['train']} train, {kinds['evaluate']} evaluate: {_cost(todo, memory=memory)}"
    yield from _device_lines(run)
    yield from _disk_lines(run.disk(steps))
    yield from notes_of(plan)


def _device_lines(run: PlannedRun) -> Iterator[str]:
    """The device that times are estimated for, if it is no CPU, and whether steps were measured there."""
    name = run.inputs.device.name
    if name != CPU:
        measured = "as measured on it" if run.inputs.rates else "assumed: no step of these models was measured on it"
        yield f"times are those of {name}, {measured}"


def print_notes(run: PlannedRun) -> None:
    """Print the notes of a plan."""
    lines = [line for line in _disk_lines(run.disk(run.steps())) if line.startswith("note")]
    print("".join(f"{line}\n" for line in wrapped([*lines, *notes_of(run.plan)], room())), end="", flush=True)


def _disk_lines(disk: DiskEstimate) -> Iterator[str]:
    """The disk that steps need, and a note if it is not free."""
    if disk.peak and disk.models_here:
        factors = f" and {size(disk.factors)} of SVD factors" if disk.factors else ""
        limit = "" if disk.limit is None else f"{size(disk.used)} of {size(disk.limit)} used ({disk.limit_name}), "
        yield (
            f"disk: about {size(disk.artifacts)} of artifacts{factors} that stay; while training, up to "
            f"{size(disk.checkpoints)} of checkpoints, and {size(disk.peak)} of all together; {limit}{size(disk.free)} "
            "free (answers and pages are not counted)"
        )
    if not disk.fits:
        fix = "make room, or choose a folder on another disk with --home"
        yield f"note: the steps need about {size(disk.peak)} of disk, and {size(disk.free)} are free: {fix}"


def notes_of(plan: Plan) -> Iterator[str]:
    """The notes of a plan, one line each."""
    yield from (f"note: {note}" for note in plan.notes)
    yield from _deviations(plan)


def _deviations(plan: Plan) -> Iterator[str]:
    """The deviations of the tracks from their papers."""
    tracks = {
        planned_experiment.experiment.track.name: planned_experiment.experiment.track
        for planned_experiment in plan.experiments
    }
    for name, track in tracks.items():
        if track.deviations:
            yield f"track {name} differs from the paper in {len(track.deviations)} points:"
            yield from (f"  - {text}" for text in track.deviations)


def _saved(steps: Sequence[PlannedStep]) -> str:
    """The steps and time that sharing saves."""
    more = [(step, len(step.experiments) - 1) for step in steps]
    counts = Counter({kind: sum(times for step, times in more if step.kind == kind) for kind in ("train", "evaluate")})
    seconds = sum(times * step.seconds for step, times in more)
    time = f", about {clock(seconds)}" if all(step.model_here for step in steps) else ""
    return f"{counts['train']} train steps and {counts['evaluate']} evaluations{time}"


def _step_line(step: PlannedStep) -> str:
    mark = {"done": "done", "running": "running", "failed": "failed"}.get(step.status, "to do")
    shared = f" · shared by {len(step.experiments)}" if len(step.experiments) > 1 else ""
    time = f"{'at most ' * step.at_most}~{clock(step.seconds)}" if step.model_here else "time unknown"
    cost = "" if step.status == "done" else f" · {time}"
    why = f" · {step.why}" if step.why else ""
    return f"{mark:<8}{step.id[:8]}  {step.title}{shared}{cost}{why}"


def _cost(steps: Sequence[PlannedStep], *, memory: bool) -> str:
    tokens, seconds = sum(step.tokens for step in steps), sum(step.seconds for step in steps)
    most = max((step.memory for step in steps), default=0)
    about = "at most about" if any(step.at_most for step in steps) else "about"
    if not all(step.model_here for step in steps):
        return f"{about} {tokens / 1e6:.1f} M tokens; time, memory and disk are known once the model is here"
    return f"{about} {tokens / 1e6:.1f} M tokens, {clock(seconds)}{f', {size(most)} of memory' if memory else ''}"


def show_resolved(plan: Plan) -> None:
    """Print each resolved experiment as YAML."""
    for planned_experiment in plan.experiments:
        print("---")
        print(yaml.safe_dump(planned_experiment.experiment.resolved(), sort_keys=False, allow_unicode=True), end="")
