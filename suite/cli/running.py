"""The commands that plan and run: `suite run` and `suite plan`."""

from __future__ import annotations

from typing import Annotated

import typer

from suite.cli.options import (
    AddressOption,
    AgainOption,
    ArtifactsOption,
    DataOption,
    DbOption,
    DeviceOption,
    ExecutorOption,
    HomeOption,
    MachineOption,
    MaxDiskOption,
    MaxTimeOption,
    ModelsOption,
    PagesOption,
    QuietOption,
    RestoreOption,
    SeedsOption,
    SetOption,
    Specs,
    TrackOption,
    TrackWithOption,
    UnsafeOption,
    VerboseOption,
    WorkersOption,
)
from suite.core.cycles import fewer_collections
from suite.core.run_dir import RUNS


def run(
    specs: Specs = None,
    track: TrackOption = None,
    sets: SetOption = None,
    seeds: SeedsOption = "first",
    data: DataOption = None,
    models: ModelsOption = None,
    home: HomeOption = RUNS,
    db: DbOption = None,
    device: DeviceOption = None,
    workers: WorkersOption = None,
    executor: ExecutorOption = "local",
    address: AddressOption = None,
    artifacts: ArtifactsOption = None,
    again: AgainOption = False,
    restore: RestoreOption = False,
    unsafe_code: UnsafeOption = False,
    max_time: MaxTimeOption = None,
    max_disk: MaxDiskOption = None,
    track_with: TrackWithOption = None,
    pages: PagesOption = True,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Train, evaluate, store and render what the specs need.

    Finished steps are reused. The same command resumes an interrupted run.
    """
    with fewer_collections():
        from suite.api.running import execute
        from suite.cli.commands.planning import own_specs, planned, print_notes, verbosity_of
        from suite.cli.commands.report import report
        from suite.core.quantities import byte_count, duration
        from suite.core.run_dir import RunDir
        from suite.execution.executors import chosen_executor

        runs_steps = chosen_executor(executor, workers, device, address, artifacts)
        verbosity = verbosity_of(quiet=quiet, verbose=verbose)
        seconds = None if max_time is None else duration(max_time, "--max-time")
        room = None if max_disk is None else byte_count(max_disk, "--max-disk")
        place, chosen = RunDir(home, db), specs or own_specs()
        made = planned(
            chosen, track, sets or (), seeds, data, models, place, baseline=True, restore=restore, device=device
        )
    outcome = execute(
        made, device=device, executor=runs_steps, again=again, unsafe_code=unsafe_code, verbosity=verbosity,
        max_seconds=seconds, max_disk=room, track_with=track_with or (),
        begin=(lambda made: None) if quiet else print_notes,
    )  # fmt: skip
    with fewer_collections():
        report(made.plan, made.home, outcome, pages=pages)
    raise typer.Exit(outcome.exit_code)


def plan(
    specs: Specs = None,
    track: TrackOption = None,
    sets: SetOption = None,
    seeds: SeedsOption = "first",
    data: DataOption = None,
    models: ModelsOption = None,
    home: HomeOption = RUNS,
    db: DbOption = None,
    restore: RestoreOption = False,
    device: DeviceOption = None,
    resolved: Annotated[bool, typer.Option("--resolved", help="Print the specs with all settings filled in.")] = False,
    machine: MachineOption = None,
) -> None:
    """Show what would run, what is shared, and how long it takes.

    Mistakes in specs, tracks, tasks and data are reported with file and line. Nothing is written.
    """
    with fewer_collections():
        from suite.cli.commands.planning import own_specs, planned, show_plan, show_resolved
        from suite.core.run_dir import RunDir
        from suite.planning.machine import TargetMachine

        chosen, place = specs or own_specs(), RunDir(home, db)
        described = None if machine is None else TargetMachine.of(machine)
        made = planned(
            chosen, track, sets or (), seeds, data, models, place, baseline=not resolved, restore=restore,
            device=device, machine=described,
        )  # fmt: skip
        show_resolved(made.plan) if resolved else show_plan(made, memory=described is None)
        if described is not None:
            from suite.api.memory import memory_on, with_devices
            from suite.api.timetable import timetable_on
            from suite.cli.commands.memory import show_memory, show_timetable, simulating

            made = with_devices(made, described)
            show_timetable(timetable_on(made, described))
            show_memory(memory_on(made, described, simulating))
