"""Options of the command line that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Specs = Annotated[list[Path], typer.Argument(help="Spec files (YAML).", show_default=False)]
TrackOption = Annotated[str | None, typer.Option("--track", help="Run on this track (a name, or a YAML file).")]
OfTrackOption = Annotated[
    str | None, typer.Option("--track", help="Only rows of this track (its name); without it, of every track.")
]
SetOption = Annotated[list[str] | None, typer.Option("--set", help="Override a setting: --set budget.batch_size=16")]
SeedsOption = Annotated[str, typer.Option("--seeds", help="`first`, `all`, or numbers: 0,1,2")]
DataOption = Annotated[
    Path | None,
    typer.Option("--data", envvar="SUITE_DATA", help="Folder of <dataset>/<split>.jsonl, read before the hub."),
]
ModelsOption = Annotated[
    Path | None, typer.Option("--models", envvar="SUITE_MODELS", help="Folder of model folders, read before the hub.")
]
HomeOption = Annotated[
    Path, typer.Option("--home", envvar="SUITE_HOME", help="Folder of the database, the artifacts and the site.")
]
DbOption = Annotated[
    str | None,
    typer.Option("--db", envvar="SUITE_DB", help="SQLAlchemy URL of the database, if not in the home folder."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
DeepOption = Annotated[
    bool, typer.Option("--deep", help="Compute all scores again from their answers; check artifacts and the store.")
]
WideOption = Annotated[bool, typer.Option("--wide", help="All columns, however narrow the terminal is.")]
DeviceOption = Annotated[str | None, typer.Option(help="cpu, cuda, cuda:1 … (default: a GPU if there is one).")]
AgainOption = Annotated[bool, typer.Option("--again", help="Run finished steps again.")]
UnsafeOption = Annotated[
    bool, typer.Option("--unsafe-code", help="Run generated programs without a sandbox where there is none.")
]
