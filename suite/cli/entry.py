"""The command line: one short function a command; knobs live in specs, not in flags."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from suite.cli.options import (
    AgainOption,
    DataOption,
    DbOption,
    DeepOption,
    DeviceOption,
    HomeOption,
    JsonOption,
    ModelsOption,
    OfTrackOption,
    SeedsOption,
    SetOption,
    Specs,
    TrackOption,
    UnsafeOption,
    WideOption,
)
from suite.core.run_dir import RUNS

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Compare fine-tuning methods for language models by what they gain, what they keep and what they cost.",
)


@app.command()
def run(
    specs: Specs,
    track: TrackOption = None,
    sets: SetOption = None,
    seeds: SeedsOption = "first",
    data: DataOption = None,
    models: ModelsOption = None,
    home: HomeOption = RUNS,
    db: DbOption = None,
    device: DeviceOption = None,
    again: AgainOption = False,
    unsafe_code: UnsafeOption = False,
) -> None:
    """Train, evaluate, store and render: all that the specs need and that is not done yet."""
    from suite.api.running import execute
    from suite.cli.commands.planning import planned, print_notes
    from suite.cli.commands.results import report
    from suite.core.run_dir import RunDir

    made = planned(specs, track, sets or (), seeds, data, models, RunDir(home, db), baseline=True)
    outcome = execute(made, device=device, again=again, unsafe_code=unsafe_code, begin=print_notes)
    report(made.plan, made.home, outcome)
    raise typer.Exit(outcome.exit_code)


@app.command()
def plan(
    specs: Specs,
    track: TrackOption = None,
    sets: SetOption = None,
    seeds: SeedsOption = "first",
    data: DataOption = None,
    models: ModelsOption = None,
    home: HomeOption = RUNS,
    db: DbOption = None,
    resolved: Annotated[bool, typer.Option("--resolved", help="Print the resolved specs instead.")] = False,
) -> None:
    """Show what would run: what is done, what is shared, what remains, and what it will take."""
    from suite.cli.commands.planning import planned, show_plan, show_resolved
    from suite.core.run_dir import RunDir

    made = planned(specs, track, sets or (), seeds, data, models, RunDir(home, db), baseline=not resolved)
    show_resolved(made.plan) if resolved else show_plan(made)


@app.command()
def show(
    name: Annotated[str | None, typer.Argument(help="An experiment; none: every row of every track.")] = None,
    track: OfTrackOption = None,
    as_json: JsonOption = False,
    wide: WideOption = False,
    home: HomeOption = RUNS,
    db: DbOption = None,
) -> None:
    """Print the stored results as tables."""
    from suite.cli.commands.results import show_results
    from suite.core.run_dir import RunDir

    show_results(RunDir(home, db), name, track, as_json=as_json, wide=wide)


@app.command()
def remove(
    names: Annotated[
        list[str] | None, typer.Argument(help="Experiments, by name or by the first 8 digits of an id.")
    ] = None,
    track: OfTrackOption = None,
    seeds: Annotated[str, typer.Option("--seeds", help="`all`, or numbers: 0,1,2")] = "all",
    failed: Annotated[bool, typer.Option("--failed", help="Only those that have a step that failed.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    home: HomeOption = RUNS,
    db: DbOption = None,
) -> None:
    """Take experiments out of the store, with the steps, answers and artifacts that no other experiment needs."""
    from suite.cli.commands.planning import seeds_of
    from suite.cli.commands.removing import remove_experiments
    from suite.core.run_dir import RunDir

    wanted = None if seeds == "all" else seeds_of(seeds, "all")
    remove_experiments(RunDir(home, db), names or [], track, wanted, failed=failed, yes=yes)


@app.command()
def board(
    track: OfTrackOption = None,
    as_json: JsonOption = False,
    wide: WideOption = False,
    home: HomeOption = RUNS,
    db: DbOption = None,
) -> None:
    """Print the leaderboard: ranks and changes with their intervals, tests and minimum detectable effects."""
    from suite.cli.commands.boards import print_boards
    from suite.core.run_dir import RunDir

    print_boards(RunDir(home, db), track, as_json=as_json, wide=wide)


@app.command()
def compare(
    first: Annotated[str, typer.Argument(help="An experiment.")],
    second: Annotated[str, typer.Argument(help="Another.")],
    track: OfTrackOption = None,
    as_json: JsonOption = False,
    wide: WideOption = False,
    home: HomeOption = RUNS,
    db: DbOption = None,
) -> None:
    """Print the difference of two experiments, task by task, paired over documents and seeds."""
    from suite.cli.commands.boards import print_comparison
    from suite.core.run_dir import RunDir

    print_comparison(RunDir(home, db), first, second, track, as_json=as_json, wide=wide)


@app.command()
def table(
    name: Annotated[
        str | None, typer.Argument(help="A table (promot-3), a file of one, or all of a paper's: promot.")
    ] = None,
    track: Annotated[str | None, typer.Option("--track", help="This track only.")] = None,
    form: Annotated[str, typer.Option("--format", help="markdown, csv or latex.")] = "markdown",
    listed: Annotated[bool, typer.Option("--list", help="List the tables instead.")] = False,
    home: HomeOption = RUNS,
    db: DbOption = None,
) -> None:
    """Print a paper's tables in its own layout: what is stored, beside the paper's figures."""
    from suite.cli.commands.papers import print_tables, table_list
    from suite.core.run_dir import RunDir

    print("\n".join(table_list())) if listed else print_tables(RunDir(home, db), name, track, form)


@app.command()
def check(
    claims: Annotated[
        list[Path] | None, typer.Argument(help="Files of claims; none: all about tracks in the store.")
    ] = None,
    track: Annotated[str | None, typer.Option("--track", help="Judge on this track instead of the file's.")] = None,
    junit: Annotated[Path | None, typer.Option("--junit", help="Write JUnit XML here.")] = None,
    markdown: Annotated[Path | None, typer.Option("--markdown", help="Write a Markdown table here.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Undecided claims fail, too.")] = False,
    as_json: JsonOption = False,
    home: HomeOption = RUNS,
    db: DbOption = None,
) -> None:
    """Judge claims from what is stored: holds, fails or undecided. Exit code 1 if any fails or cannot be compared.

    Exit code 2 for a name that no spec and no row has. Without a store the records that come with suite are judged.
    """
    from suite.cli.commands.checking import Reports, check_claims
    from suite.core.run_dir import RunDir

    well = check_claims(RunDir(home, db), claims or [], track, Reports(junit, markdown, as_json), strict=strict)
    raise typer.Exit(0 if well else 1)


@app.command()
def render(
    home: HomeOption = RUNS,
    db: DbOption = None,
    out: Annotated[Path | None, typer.Option(help="Where to (default: site/ in the home folder).")] = None,
    records: Annotated[
        Path | None, typer.Option(help="Folder of published records to show beside the local runs.")
    ] = None,
) -> None:
    """Write the leaderboard's pages from what is stored."""
    from suite.cli.commands.sharing import render_site
    from suite.core.run_dir import RunDir

    print(render_site(RunDir(home, db), out, records))


@app.command()
def export(
    out: Annotated[Path, typer.Argument(help="Folder for the records, one JSON file an experiment.")],
    names: Annotated[list[str] | None, typer.Argument(help="Experiments; none: all.")] = None,
    track: OfTrackOption = None,
    texts: Annotated[
        bool, typer.Option(help="Keep questions and right answers; --no-texts where they are not yours to publish.")
    ] = True,
    home: HomeOption = RUNS,
    db: DbOption = None,
) -> None:
    """Write experiments as records that others can check and import."""
    from suite.cli.commands.sharing import export_records
    from suite.core.run_dir import RunDir

    for file in export_records(RunDir(home, db), out, names or [], track, texts=texts):
        print(file)


@app.command(name="import")
def import_(
    files: Annotated[list[Path], typer.Argument(help="Record files, or folders of them.")],
    verify: Annotated[bool, typer.Option("--verify", help="Check only: no store is touched.")] = False,
    home: HomeOption = RUNS,
    db: DbOption = None,
) -> None:
    """Check records made elsewhere and add them to the store, marked as imported."""
    from suite.cli.commands.sharing import import_records, verify_records
    from suite.core.run_dir import RunDir

    for line in verify_records(files) if verify else import_records(RunDir(home, db).create(), files):
        print(line)


@app.command(name="list")
def list_(what: Annotated[str, typer.Argument(help="specs, methods, tracks, roles, or all.")] = "all") -> None:
    """List specs, methods, tracks and roles, with one line each."""
    from suite.cli.commands.about import listing

    for line in listing(what):
        print(line)


@app.command()
def schema(what: Annotated[str, typer.Argument(help="spec, track, or a method's name.")] = "spec") -> None:
    """Print the JSON Schema of specs or tracks, for an editor's completion."""
    from suite.cli.commands.about import json_schema

    print(json_schema(what))


@app.command()
def init(folder: Annotated[Path, typer.Argument(help="A new folder.")]) -> None:
    """Make a workspace: the shipped specs, tracks and tasks, to be changed at will."""
    from suite.cli.commands.about import new_workspace

    print(new_workspace(folder))


@app.command()
def doctor(
    deep: DeepOption = False,
    data: DataOption = None,
    models: ModelsOption = None,
    home: HomeOption = RUNS,
    db: DbOption = None,
) -> None:
    """Check this machine: versions, devices, disk, data folder, model sources, store; `--deep`: all that is stored."""
    from suite.cli.commands.about import diagnose
    from suite.core.run_dir import RunDir

    healthy, lines = diagnose(RunDir(home, db), data, models, deep=deep)
    for line in lines:
        print(line)
    raise typer.Exit(0 if healthy else 2)
