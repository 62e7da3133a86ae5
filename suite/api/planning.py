"""Turns spec files into a plan: which steps there are, which are done, and what the others will cost."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from suite.api.disk import DiskEstimate, disk_estimate
from suite.api.paths import File, folder_of, home_of
from suite.core.devices import class_here
from suite.core.errors import SuiteError
from suite.core.run_dir import RunDir
from suite.execution.lost_artifacts import DELETED, deleted_artifacts, lost_artifacts
from suite.execution.preflight import absent_models, undescribed_models
from suite.models.source import locate
from suite.planning import Inputs, Plan, make_plan, stale_reasons
from suite.planning.disk import shape_of
from suite.planning.machine import TargetMachine
from suite.planning.speed import DeviceSpeed, Rates, assumed, rates_on, sort_of
from suite.specs import Experiment, Options, load
from suite.specs.baseline import BASELINE, baselines
from suite.specs.kinds import only_specs
from suite.specs.shared_names import shared_names
from suite.specs.workspace import spec_file
from suite.tasks.data import DataLocations

if TYPE_CHECKING:
    from suite.results.store.records import Status


@dataclass(frozen=True)
class LoadedSpec:
    """The experiments of spec files, one for each seed."""

    experiments: tuple[Experiment, ...]
    options: Options
    """The options they were loaded with; the pretrained row for comparison is loaded with the same."""
    notes: tuple[str, ...] = ()
    """Notes for the user, one line each."""

    def __iter__(self) -> Iterator[Experiment]:
        return iter(self.experiments)

    def __len__(self) -> int:
        return len(self.experiments)


@dataclass(frozen=True)
class PlannedStep:
    """A step of a plan, with its status."""

    id: str
    kind: Literal["train", "evaluate"]
    title: str
    status: Status
    why: str
    """The reason for its status, if it needs one: imported, stale, or its artifact is lost."""
    experiments: tuple[str, ...]
    """The experiments that need it, as `name (seed N)`."""
    tokens: int
    seconds: float
    memory: int
    """Bytes. Tokens, seconds and memory are estimates."""
    at_most: bool = False
    """Whether training may stop early, so that tokens and seconds may be fewer."""
    artifact: int = 0
    """Bytes of the artifact, which stays."""
    checkpoints: int = 0
    """Bytes of checkpoints at their peak; they go when the step is done."""
    model_here: bool = True
    """Whether the base model was here; without its size, only tokens are estimated."""


@dataclass(frozen=True)
class PlannedRun:
    """A plan with everything that is needed to run it."""

    plan: Plan
    inputs: Inputs
    home: RunDir
    restore: bool = False
    """Whether artifacts that evaluations had in effect are trained again if they were deleted."""

    @property
    def experiments(self) -> tuple[Experiment, ...]:
        """The experiments; the pretrained rows for comparison come first."""
        return tuple(planned_experiment.experiment for planned_experiment in self.plan.experiments)

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes on the plan for the user, one line each."""
        return self.plan.notes

    def renewed(self) -> PlannedRun:
        """The plan of the same experiments with what is here by now: a model that was fetched names steps anew.

        Raises SuiteError with what only shows once the model is here.
        """
        made = make_plan(self.experiments, self.inputs)
        return replace(self, plan=replace(made, notes=tuple(dict.fromkeys((*self.notes, *made.notes)))))

    def disk(self, steps: Sequence[PlannedStep], max_disk: int | None = None) -> DiskEstimate:
        """The disk that those of the steps need that are not done. `max_disk` is one more limit, in bytes."""
        todo = {step.id for step in steps if step.status != "done"}
        return disk_estimate(self.plan, todo, self.home, max_disk, keep="all" if self.restore else None)

    def steps(self) -> tuple[PlannedStep, ...]:
        """Every step once, in the order of the run, with its current status in the store."""
        statuses, why = _progress(self)
        users = self.plan.users()
        return tuple(
            PlannedStep(
                step.id, step.kind, step.title, statuses.get(step.id, "pending"), why.get(step.id, ""), users[step.id],
                step.estimate.tokens, step.estimate.seconds, step.estimate.memory, step.estimate.at_most,
                step.estimate.artifact, step.estimate.checkpoints, step.estimate.model_here,
            )
            for step in self.plan.steps
        )  # fmt: skip


def load_spec(
    *files: File,
    track: str | None = None,
    overrides: Mapping[str, Any] | None = None,
    seeds: Literal["first", "all"] | Sequence[int] = "first",
) -> LoadedSpec:
    """The experiments of spec files. Raises SuiteError with all problems of all files.

    `overrides` are settings by their dotted names, as for `--set`: ``{"method.steps": 50}``.
    """
    sets = tuple(override(key, value) for key, value in (overrides or {}).items())
    return loaded([Path(file) for file in files], Options(track, sets, _seeds(seeds)))


def plan(
    spec: LoadedSpec | File,
    *,
    home: File | None = None,
    db: str | None = None,
    data: File | None = None,
    models: File | None = None,
    baseline: bool = True,
    restore: bool = False,
    device: str | DeviceSpeed | None = None,
    machine: TargetMachine | None = None,
) -> PlannedRun:
    """The plan for loaded specs (or a spec file) and for the pretrained model that they are compared with.

    With `restore`, artifacts that evaluations had in effect and that were deleted since are trained again. Times are
    estimated for a `device` of this machine (`cpu`, `cuda:1`; default: a GPU if there is one) or a described one. With
    a `machine`, they are for that, and models need no weights, only config and tokenizer, which are fetched from the
    hub (see `suite.api.memory`); such a plan cannot be run. Writes nothing else. Raises SuiteError with all missing
    models, missing data sets and leaks together.
    """
    loaded_spec = spec if isinstance(spec, LoadedSpec) else load_spec(spec)
    data_folder, models_folder = folder_of(data, "SUITE_DATA"), folder_of(models, "SUITE_MODELS")
    check_folders(data_folder, models_folder)
    place = home_of(home, db)
    return planned(
        loaded_spec, place, data_folder, models_folder, baseline=baseline, restore=restore, device=device,
        machine=machine,
    )  # fmt: skip


def loaded(files: Sequence[Path], options: Options) -> LoadedSpec:
    """The loaded specs among these files, and a note about the other files."""
    if not files:
        raise SuiteError("no spec file is named", fix="name one, such as specs/promot_rte.yaml")
    specs, notes = only_specs([spec_file(file) for file in files])
    return LoadedSpec(load(specs, options), options, notes)


def check_folders(data: Path | None, models: Path | None) -> None:
    """Raises SuiteError for a folder that does not exist."""
    for folder, option in ((data, "--data"), (models, "--models")):
        if folder is not None and not folder.is_dir():
            raise SuiteError("there is no such folder", where=f"{option} {folder}")


def planned(
    spec: LoadedSpec, home: RunDir, data: Path | None, models: Path | None, *, baseline: bool, restore: bool = False,
    device: str | DeviceSpeed | None = None, machine: TargetMachine | None = None,
) -> PlannedRun:  # fmt: skip
    """The plan of loaded specs; with `baseline`, including the pretrained rows of their tracks."""
    rows, options = spec.experiments, spec.options
    device = device if machine is None else machine.speed
    speed = device if isinstance(device, DeviceSpeed) else assumed(class_here(device))
    rates, sizes = _measured(home, rows, models, speed.name)
    inputs = Inputs(DataLocations.of(data), models, rates, sizes, speed, machine is not None)
    sources = [row.track.model for row in rows]
    absent = undescribed_models(sources, models) if machine is not None else absent_models(sources, models)
    made, before = None, _stored_targets(home, rows)
    if baseline and before:  # the data of a target that was evaluated before may be gone: it is left out then
        with suppress(SuiteError):
            made = _with_baselines(rows, options, before, inputs)
    try:
        made = made or (_with_baselines(rows, options, {}, inputs) if baseline else make_plan(rows, inputs))
    except SuiteError as error:  # all that is missing is reported together, models and data
        raise SuiteError.of([*error.problems, *absent]) from None
    return PlannedRun(replace(made, notes=(*spec.notes, *made.notes, *map(str, absent))), inputs, home, restore)


def _with_baselines(
    rows: Sequence[Experiment],
    options: Options,
    stored_targets: Mapping[str, Sequence[tuple[str, ...]]],
    inputs: Inputs,
) -> Plan:
    """The plan of these rows and of the pretrained rows that they are compared with."""
    added, baseline_notes = baselines(rows, options, stored_targets)
    experiments = (*added, *rows)
    made = make_plan(experiments, inputs)
    return replace(made, notes=(*baseline_notes, *shared_names(experiments), *made.notes))


def _stored_targets(home: RunDir, experiments: Sequence[Experiment]) -> dict[str, list[tuple[str, ...]]]:
    """Track -> the targets of each of its stored pretrained rows."""
    if not home.exists:
        return {}
    from suite.results.store import Store

    with Store.open(home.url, create=False) as store:
        targets_by_track = {
            track: [record.targets for record in store.experiments(track) if record.method == BASELINE]
            for track in {experiment.track.name for experiment in experiments}
        }
    return {track: targets for track, targets in targets_by_track.items() if targets}


def _measured(
    home: RunDir, experiments: Sequence[Experiment], models: Path | None, device: str
) -> tuple[Rates, dict[tuple[str, str], tuple[int, int]]]:
    """Rates on a class of devices, and sizes of artifacts, that earlier steps of the same base models had."""
    if not home.exists:
        return {}, {}
    from suite.results.store import Store

    identities: set[str] = set()
    for experiment in experiments:
        with suppress(SuiteError):  # the plan reports the problem
            identities.add(locate(experiment.track.model, models).identity)
    with Store.open(home.url, create=False) as store:
        rates = {
            (name, sort): rate
            for name in identities
            for sort, rate in rates_on(device, store.rates(name, sort_of)).items()
        }
        sizes = {
            (name, sort): size for name in identities for sort, size in store.artifact_sizes(name, shape_of).items()
        }
    return rates, sizes


def _progress(run: PlannedRun) -> tuple[Mapping[str, Status], Mapping[str, str]]:
    """Step id -> status, and step id -> why it has to run or did not run here."""
    if not run.home.exists:
        return {}, {}
    from suite.results.store import Store

    plan = run.plan
    with Store.open(run.home.url, create=False) as store:
        records = store.steps([step.id for step in plan.steps])
        lost = lost_artifacts(plan, records, store, run.home, restore=run.restore)
        deleted = deleted_artifacts(store.artifacts([step for step in records if records[step].status == "done"]))
        statuses: dict[str, Status] = {
            step: "pending" if step in lost else record.status for step, record in records.items()
        }
        imported = {step: "imported" for step, record in records.items() if record.imported}
        return statuses, {**dict.fromkeys(deleted, DELETED), **imported, **stale_reasons(plan, statuses, store), **lost}


def _seeds(seeds: Literal["first", "all"] | Sequence[int]) -> Literal["first", "all"] | tuple[int, ...]:
    if seeds == "first" or seeds == "all":
        return "first" if seeds == "first" else "all"
    numbers = tuple(seeds) if not isinstance(seeds, str) else ()
    whole = all(isinstance(number, int) and not isinstance(number, bool) and number >= 0 for number in numbers)
    if not numbers or not whole or len(set(numbers)) < len(numbers):
        raise SuiteError(f"{seeds!r} names no seeds", where="seeds", fix='give "first", "all", or numbers: [0, 1, 2]')
    return tuple(map(int, numbers))


def override(key: str, value: Any) -> str:
    """A setting in the form of `--set`. Raises SuiteError for a value that a spec cannot hold."""
    try:
        return f"{key}={json.dumps(value, default=os.fspath, allow_nan=False, ensure_ascii=False)}"
    except (TypeError, ValueError):
        fix = "give plain numbers, texts or lists"
        raise SuiteError(f"{value!r} is no setting", where=f"overrides: {key}", fix=fix) from None
