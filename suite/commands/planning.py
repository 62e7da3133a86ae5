"""From the command line's arguments to a plan, and a plan as text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import yaml

from suite.errors import SuiteError
from suite.home import Home
from suite.models.source import locate
from suite.planning import Inputs, Plan, Step, make_plan, stale_reasons
from suite.planning.estimate import sort_of
from suite.runner.healing import lost_artifacts
from suite.runner.preflight import absent_models
from suite.runner.progress import clock, size
from suite.specs import Experiment, Options, load
from suite.specs.baseline import BASELINE, baselines
from suite.specs.kinds import only_specs
from suite.specs.load import Seeds
from suite.specs.shared_names import shared_names
from suite.tasks.data import DataLocations

MAX_LISTED = 60


def planned(
    specs: Sequence[Path],
    track: str | None,
    sets: Sequence[str],
    seeds: str,
    data: Path | None,
    models: Path | None,
    home: Home,
    *,
    baseline: bool,
) -> tuple[Plan, Inputs]:
    """The plan for some spec files, and for the pretrained model on the same tracks that rows are compared with."""
    for folder, option in ((data, "--data"), (models, "--models")):
        if folder is not None and not folder.is_dir():
            raise SuiteError("there is no such folder", where=f"{option} {folder}")
    options = Options(track, tuple(sets), _seeds(seeds))
    files, left_out = only_specs(specs)
    rows = load(files, options)
    inputs = Inputs(DataLocations.of(data), models, _rates(home, rows, models))
    absent = absent_models([each.track.model for each in rows], models)
    made, before = None, _asked_before(home, rows)
    if baseline and before:  # the data of a target that was asked before may be gone: it is not asked again then
        with suppress(SuiteError):
            made = _with_baselines(rows, options, before, inputs)
    try:
        made = made or (_with_baselines(rows, options, {}, inputs) if baseline else make_plan(rows, inputs))
    except SuiteError as error:  # what is missing is said at once, models and data
        raise SuiteError.of([*error.problems, *absent]) from None
    return replace(made, notes=(*left_out, *made.notes, *map(str, absent))), inputs


def _with_baselines(
    rows: Sequence[Experiment], options: Options, asked_before: Mapping[str, Sequence[tuple[str, ...]]], inputs: Inputs
) -> Plan:
    """The plan of some rows and of the pretrained rows that they are compared with."""
    added, told = baselines(rows, options, asked_before)
    experiments = (*added, *rows)
    made = make_plan(experiments, inputs)
    return replace(made, notes=(*told, *shared_names(experiments), *made.notes))


def _asked_before(home: Home, experiments: Sequence[Experiment]) -> dict[str, list[tuple[str, ...]]]:
    """Track -> the targets of each of its stored pretrained rows."""
    if not home.exists:
        return {}
    from suite.store import Store

    with Store.open(home.url, create=False) as store:
        found = {
            track: [each.targets for each in store.experiments(track) if each.method == BASELINE]
            for track in {each.track.name for each in experiments}
        }
    return {track: targets for track, targets in found.items() if targets}


def _seeds(text: str) -> Seeds:
    if text == "first":
        return "first"
    return "all" if text == "all" else seeds_of(text, "first, all")


def seeds_of(text: str, words: str) -> tuple[int, ...]:
    """Numbers with commas between them. Raises SuiteError, which names the `words` that may stand there as well."""
    try:
        seeds = tuple(int(part) for part in text.split(","))
    except ValueError:
        seeds = ()
    if not seeds or min(seeds) < 0 or len(set(seeds)) < len(seeds):
        raise SuiteError(f"'{text}' names no seeds", where="--seeds", fix=f"write {words}, or numbers: 0,1,2")
    return seeds


def _rates(home: Home, experiments: Sequence[Experiment], models: Path | None) -> dict[tuple[str, str], float]:
    """Tokens per second measured by earlier steps of the same base model."""
    if not home.exists:
        return {}
    from suite.store import Store

    identities: set[str] = set()
    for each in experiments:
        with suppress(SuiteError):  # the plan says what is wrong with it
            identities.add(locate(each.track.model, models).identity)
    with Store.open(home.url, create=False) as store:
        return {(name, sort): rate for name in identities for sort, rate in store.rates(name, sort_of).items()}


def show_plan(plan: Plan, home: Home) -> None:
    """Print each step once: done, shared, to do; then what is left and what it will take."""
    for line in plan_lines(plan, home):
        print(line)


def plan_lines(plan: Plan, home: Home) -> Iterator[str]:
    """The plan as lines of text."""
    statuses: dict[str, str] = {}
    told: dict[str, str] = {}
    if home.exists:
        from suite.store import Store

        with Store.open(home.url, create=False) as store:
            records = store.steps([step.id for step in plan.steps])
            lost = lost_artifacts(plan, records, store, home)
            statuses = {step: "pending" if step in lost else record.status for step, record in records.items()}
            imported = {step: "imported" for step, record in records.items() if record.imported}
            told = {**imported, **stale_reasons(plan, statuses, store), **lost}
    users = plan.users()
    asked = sum(len(dict.fromkeys(link.step for link in each.links)) for each in plan.experiments)
    for step in plan.steps[:MAX_LISTED]:
        yield _step_line(step, statuses.get(step.id, "pending"), len(users[step.id]), told.get(step.id))
    if len(plan.steps) > MAX_LISTED:
        yield f"… and {len(plan.steps) - MAX_LISTED} more"
    todo = [step for step in plan.steps if statuses.get(step.id) != "done"]
    kinds = Counter(step.kind for step in todo)
    tokens, seconds = sum(step.estimate.tokens for step in todo), sum(step.estimate.seconds for step in todo)
    memory = max((step.estimate.memory for step in todo), default=0)
    yield ""
    yield (
        f"{len(plan.experiments)} experiments ask for {asked} steps: {len(plan.steps)} distinct, "
        f"{asked - len(plan.steps)} shared, {len(plan.steps) - len(todo)} done"
    )
    if asked > len(plan.steps):
        yield f"sharing saves {_saved(plan)}"
    yield f"to do: {kinds['train']} train, {kinds['evaluate']} evaluate: {_cost(tokens, seconds, memory)}"
    yield from notes_of(plan)


def notes_of(plan: Plan) -> Iterator[str]:
    """What a user should know of a plan, a line each."""
    yield from (f"note: {note}" for note in plan.notes)
    yield from _deviations(plan)


def _deviations(plan: Plan) -> Iterator[str]:
    """Where the tracks differ from the papers whose settings they have."""
    tracks = {each.experiment.track.name: each.experiment.track for each in plan.experiments}
    for name, track in tracks.items():
        if track.deviations:
            yield f"track {name} differs from the paper in {len(track.deviations)} points:"
            yield from (f"  - {text}" for text in track.deviations)


def _saved(plan: Plan) -> str:
    """What would run more often if every experiment ran by itself."""
    users = plan.users()
    more = [(step, len(users[step.id]) - 1) for step in plan.steps]
    counts = Counter({kind: sum(times for step, times in more if step.kind == kind) for kind in ("train", "evaluate")})
    seconds = sum(times * step.estimate.seconds for step, times in more)
    return f"{counts['train']} train steps and {counts['evaluate']} evaluations, about {clock(seconds)}"


def _step_line(step: Step, status: str, users: int, told: str | None) -> str:
    mark = {"done": "done", "running": "running", "failed": "failed"}.get(status, "to do")
    shared = f" · shared by {users}" if users > 1 else ""
    cost = "" if status == "done" else f" · ~{clock(step.estimate.seconds)}"
    why = f" · {told}" if told else ""
    return f"{mark:<8}{step.id[:8]}  {step.title}{shared}{cost}{why}"


def _cost(tokens: int, seconds: float, memory: int) -> str:
    return f"about {tokens / 1e6:.1f} M tokens, {clock(seconds)}, {size(memory)} of memory"


def show_resolved(plan: Plan) -> None:
    """Print each experiment, fully resolved, as YAML."""
    for each in plan.experiments:
        print("---")
        print(yaml.safe_dump(each.experiment.resolved(), sort_keys=False, allow_unicode=True), end="")
