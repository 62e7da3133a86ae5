"""The commands that publish results and take in those of others: pages, records."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from suite.cli.completion import experiment_names
from suite.cli.options import DbOption, HomeOption, OfTrackOption
from suite.core.run_dir import RUNS


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


def export(
    out: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where to write: one JSON file for each experiment.")],
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME", autocompletion=experiment_names, help="Experiments (default: all)."),
    ] = None,
    track: OfTrackOption = None,
    texts: Annotated[
        bool, typer.Option(help="Whether records hold questions and right answers, which may not be yours to publish.")
    ] = True,
    bundle: Annotated[bool, typer.Option("--bundle", help="One file a track for all experiments: smaller.")] = False,
    home: HomeOption = RUNS,
    db: DbOption = None,
) -> None:
    """Write experiments as records that others can check and import."""
    from suite.cli.commands.sharing import export_records
    from suite.core.run_dir import RunDir

    for file in export_records(RunDir(home, db), out, names or [], track, texts=texts, bundle=bundle):
        print(file)


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
