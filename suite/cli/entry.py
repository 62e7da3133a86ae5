"""The command line: one short function for each command. Settings belong to specs, not to flags."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from suite.cli import results, running, sharing
from suite.cli.completion import experiment_names
from suite.cli.options import (
    DataOption,
    DbOption,
    DeepOption,
    DeviceOption,
    HomeOption,
    ModelsOption,
    OfTrackOption,
)
from suite.core.run_dir import RUNS

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Compare fine-tuning methods for language models: what they gain, what they keep, what they cost.",
    epilog="Begin with `suite run promot_rte`, or `suite new --help`. `suite COMMAND --help` explains a command.",
)


def _print_version(requested: bool) -> None:
    if requested:
        from suite import __version__

        print(f"suite {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Print the version.")
    ] = False,
) -> None:
    """Options of `suite` itself, before any command."""


app.command()(running.run)
app.command()(running.plan)
app.command()(results.show)


@app.command()
def remove(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME",
            autocompletion=experiment_names,
            help="Experiments, by name or the first 8 digits of the id.",
        ),
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
def gc(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME",
            autocompletion=experiment_names,
            help="Experiments that --keep-artifacts is about (default: all).",
        ),
    ] = None,
    keep_artifacts: Annotated[
        str | None,
        typer.Option("--keep-artifacts", metavar="WHICH", help="all, reported, best (seed of each row) or none"),
    ] = None,
    track: OfTrackOption = None,
    caches: Annotated[bool, typer.Option("--caches", help="Delete SVD factors of models in use, too.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be deleted, and delete nothing.")] = False,
    home: HomeOption = RUNS,
    db: DbOption = None,
) -> None:
    """Free disk space: delete files that no result needs.

    Safe beside running processes. Scores, answers and logs stay.
    """
    from suite.cli.commands.garbage import collect_garbage
    from suite.core.run_dir import RunDir

    collect_garbage(RunDir(home, db), names or [], track, keep_artifacts, caches=caches, dry_run=dry_run)


app.command()(results.board)
app.command()(results.compare)
app.command()(results.recommend)
app.command()(results.answers)
app.command()(results.save)
app.command()(results.table)
app.command()(results.check)


app.command()(sharing.render)
app.command()(sharing.export)
app.command(name="import")(sharing.import_)


@app.command(name="list")
def list_(
    what: Annotated[str, typer.Argument(metavar="WHAT", help="specs, methods, metrics, tracks, roles or all")] = "all",
) -> None:
    """List specs, methods, metrics, tracks and roles, one line each."""
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
def new(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="The folder to make.")],
    data: Annotated[
        str | None,
        typer.Option("--data", metavar="DATA", help="A CSV, TSV, JSON or Parquet file, a folder, or org/name (hub)."),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option("--model", metavar="MODEL", help="A folder, a GGUF file, or org/name (default: a toy)."),
    ] = None,
    input_: Annotated[
        list[str] | None,
        typer.Option("--input", metavar="COLUMN", help="The column that is asked. May be repeated."),
    ] = None,
    target: Annotated[
        str | None, typer.Option("--target", metavar="COLUMN", help="The column that holds the right answers.")
    ] = None,
    kind: Annotated[
        str | None, typer.Option("--kind", metavar="KIND", help="classification, qa (short answers) or text")
    ] = None,
    minutes: Annotated[
        float, typer.Option("--minutes", min=1, metavar="N", help="What the first comparison may take, about.")
    ] = 30,
    seed: Annotated[int, typer.Option("--seed", min=0, metavar="N", help="Of the split into training and test.")] = 0,
    models: ModelsOption = None,
    device: DeviceOption = None,
) -> None:
    """Make a workspace from your data: a task, a track, six specs.

    Says what it takes the columns for, and asks where that is not plain. Without --data, a copy of all shipped specs.
    """
    from suite.cli.commands.starting import kind_named, new_workspace
    from suite.starter.columns import ChosenColumns

    chosen = ChosenColumns(tuple(input_ or ()), target, kind_named(kind))
    new_workspace(folder, data, model, models, chosen, seed=seed, minutes=minutes, device=device)


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
