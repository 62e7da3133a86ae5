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
    help="Compare fine-tuning methods for language models: what they gain, what they keep, what they cost.",
    epilog="Begin with `suite run specs/promot_rte.yaml`. `suite COMMAND --help` explains a command.",
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
    """Train, evaluate, store and render what the specs need.

    Finished steps are reused. The same command resumes an interrupted run.
    """
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
    resolved: Annotated[bool, typer.Option("--resolved", help="Print the specs with all settings filled in.")] = False,
) -> None:
    """Show what would run, what is shared, and how long it takes.

    Mistakes in specs, tracks, tasks and data are reported with file and line. Nothing is written.
    """
    from suite.cli.commands.planning import planned, show_plan, show_resolved
    from suite.core.run_dir import RunDir

    made = planned(specs, track, sets or (), seeds, data, models, RunDir(home, db), baseline=not resolved)
    show_resolved(made.plan) if resolved else show_plan(made)


@app.command()
def show(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="An experiment (default: all).")] = None,
    track: OfTrackOption = None,
    as_json: JsonOption = False,
    wide: WideOption = False,
    home: HomeOption = RUNS,
    db: DbOption = None,
) -> None:
    """Print the stored results, or all scores of one experiment.

    Failed steps are shown with the reason.
    """
    from suite.cli.commands.results import show_results
    from suite.core.run_dir import RunDir

    show_results(RunDir(home, db), name, track, as_json=as_json, wide=wide)


@app.command()
def remove(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME", help="Experiments, by name or by the first 8 digits of the id."),
    ] = None,
    track: OfTrackOption = None,
    seeds: Annotated[str, typer.Option("--seeds", metavar="SEEDS", help="all, or numbers: 0,1,2")] = "all",
    failed: Annotated[bool, typer.Option("--failed", help="Only experiments with a failed step.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    home: HomeOption = RUNS,
    db: DbOption = None,
) -> None:
    """Remove experiments from the store.

    Steps, answers and artifacts that no other experiment needs are removed, too.
    """
    from suite.cli.commands.planning import seeds_of
    from suite.cli.commands.removing import remove_experiments
    from suite.core.run_dir import RunDir

    numbers = None if seeds == "all" else seeds_of(seeds, "all")
    remove_experiments(RunDir(home, db), names or [], track, numbers, failed=failed, yes=yes)


@app.command()
def board(
    track: OfTrackOption = None,
    as_json: JsonOption = False,
    wide: WideOption = False,
    home: HomeOption = RUNS,
    db: DbOption = None,
) -> None:
    """Rank the rows of each track, with intervals and tests.

    Changes are from the pretrained model, with corrected p, minimum detectable effect and variance components.
    """
    from suite.cli.commands.boards import print_boards
    from suite.core.run_dir import RunDir

    print_boards(RunDir(home, db), track, as_json=as_json, wide=wide)


@app.command()
def compare(
    first: Annotated[str, typer.Argument(metavar="A", help="An experiment.")],
    second: Annotated[str, typer.Argument(metavar="B", help="The experiment to compare it with.")],
    track: OfTrackOption = None,
    as_json: JsonOption = False,
    wide: WideOption = False,
    home: HomeOption = RUNS,
    db: DbOption = None,
) -> None:
    """Compare two experiments, task by task.

    Differences are paired over documents and seeds.
    """
    from suite.cli.commands.boards import print_comparison
    from suite.core.run_dir import RunDir

    print_comparison(RunDir(home, db), first, second, track, as_json=as_json, wide=wide)


@app.command()
def table(
    name: Annotated[
        str | None,
        typer.Argument(metavar="TABLE", help="A table (promot-3), its file, or all tables of a paper (promot)."),
    ] = None,
    track: Annotated[str | None, typer.Option("--track", metavar="NAME", help="Only this track.")] = None,
    form: Annotated[str, typer.Option("--format", metavar="FORMAT", help="markdown, csv or latex")] = "markdown",
    listed: Annotated[bool, typer.Option("--list", help="List the tables instead.")] = False,
    home: HomeOption = RUNS,
    db: DbOption = None,
) -> None:
    """Print a paper's tables: your results beside its figures."""
    from suite.cli.commands.papers import print_tables, table_list
    from suite.core.run_dir import RunDir

    print("\n".join(table_list())) if listed else print_tables(RunDir(home, db), name, track, form)


@app.command()
def check(
    claims: Annotated[
        list[Path] | None,
        typer.Argument(metavar="FILE", help="Claim files (default: all about stored tracks)."),
    ] = None,
    track: Annotated[
        str | None, typer.Option("--track", metavar="NAME", help="Judge on this track, not on the file's.")
    ] = None,
    junit: Annotated[Path | None, typer.Option("--junit", metavar="FILE", help="Write JUnit XML to a file.")] = None,
    markdown: Annotated[
        Path | None, typer.Option("--markdown", metavar="FILE", help="Write a Markdown table to a file.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 for undecided claims, too.")] = False,
    as_json: JsonOption = False,
    home: HomeOption = RUNS,
    db: DbOption = None,
) -> None:
    """Judge claims from stored results: holds, fails or undecided.

    Without a store, the records that come with suite are judged. Exit code 1: a claim fails or cannot be compared.
    Exit code 2: a claim names what no spec and no row has.
    """
    from suite.cli.commands.checking import Reports, check_claims
    from suite.core.run_dir import RunDir

    well = check_claims(RunDir(home, db), claims or [], track, Reports(junit, markdown, as_json), strict=strict)
    raise typer.Exit(0 if well else 1)


@app.command()
def render(
    home: HomeOption = RUNS,
    db: DbOption = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Where to write (default: site/ in the home folder).")
    ] = None,
    records: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Published records to show (default: those of suite).")
    ] = None,
) -> None:
    """Write the leaderboard's pages and print the one to open."""
    from suite.cli.commands.sharing import render_site
    from suite.core.run_dir import RunDir

    print(render_site(RunDir(home, db), out, records))


@app.command()
def export(
    out: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where to write: one JSON file for each experiment.")],
    names: Annotated[list[str] | None, typer.Argument(metavar="NAME", help="Experiments (default: all).")] = None,
    track: OfTrackOption = None,
    texts: Annotated[
        bool, typer.Option(help="Whether records hold questions and right answers, which may not be yours to publish.")
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
    files: Annotated[list[Path], typer.Argument(metavar="PATH", help="Record files, or folders of them.")],
    verify: Annotated[bool, typer.Option("--verify", help="Only check the records; import nothing.")] = False,
    home: HomeOption = RUNS,
    db: DbOption = None,
) -> None:
    """Check records made elsewhere, and add them to the store.

    Pages and tables mark them as imported.
    """
    from suite.cli.commands.sharing import import_records, verify_records
    from suite.core.run_dir import RunDir

    for line in verify_records(files) if verify else import_records(RunDir(home, db).create(), files):
        print(line)


@app.command(name="list")
def list_(
    what: Annotated[str, typer.Argument(metavar="WHAT", help="specs, methods, tracks, roles or all")] = "all",
) -> None:
    """List specs, methods, tracks and roles, one line each."""
    from suite.cli.commands.about import listing

    for line in listing(what):
        print(line)


@app.command()
def schema(
    what: Annotated[str, typer.Argument(metavar="WHAT", help="spec, track, or the name of a method")] = "spec",
) -> None:
    """Print the JSON Schema of specs, tracks or a method.

    Editors complete and check YAML files with it.
    """
    from suite.cli.commands.about import json_schema

    print(json_schema(what))


@app.command()
def init(folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="The folder to make.")]) -> None:
    """Make a workspace: a copy of all shipped specs, tracks and tasks."""
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
    """Check this machine, its data and models, and the store.

    Exit code 2 if something is wrong.
    """
    from suite.cli.commands.about import diagnose
    from suite.core.run_dir import RunDir

    healthy, lines = diagnose(RunDir(home, db), data, models, deep=deep)
    for line in lines:
        print(line)
    raise typer.Exit(0 if healthy else 2)
