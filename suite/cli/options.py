"""Command-line options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from suite.cli.completion import experiment_names, track_names

Specs = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="SPEC", help="Spec files, or names of `suite list` (default: specs/*.yaml here).", show_default=False
    ),
]
TrackOption = Annotated[
    str | None,
    typer.Option("--track", metavar="TRACK", help="Run on this track, not on the spec's: a name or a YAML file."),
]
OfTrackOption = Annotated[
    str | None,
    typer.Option(
        "--track", metavar="NAME", autocompletion=track_names, help="Only rows of this track (default: all tracks)."
    ),
]
ExperimentArgument = Annotated[
    str,
    typer.Argument(metavar="EXPERIMENT", autocompletion=experiment_names, help="Its name, or the beginning of its id."),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Override a setting, as budget.batch_size=16. May be repeated."),
]
SeedsOption = Annotated[
    str, typer.Option("--seeds", metavar="SEEDS", help="first or all of the track's seeds, or numbers: 0,1,2")
]
DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data",
        envvar="SUITE_DATA",
        metavar="FOLDER",
        help="Data sets, as <dataset>/<split>.csv, .jsonl, .parquet … (else: the hub).",
    ),
]
ModelsOption = Annotated[
    Path | None,
    typer.Option("--models", envvar="SUITE_MODELS", metavar="FOLDER", help="Model folders (else: the hub)."),
]
HomeOption = Annotated[
    Path,
    typer.Option("--home", envvar="SUITE_HOME", metavar="FOLDER", help="Where database, artifacts and site are."),
]
DbOption = Annotated[
    str | None,
    typer.Option(
        "--db", envvar="SUITE_DB", metavar="URL", help="SQLAlchemy URL of the database, if not in the home folder."
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
DeepOption = Annotated[
    bool, typer.Option("--deep", help="Recompute all scores from their answers; check artifacts and the store.")
]
WideOption = Annotated[bool, typer.Option("--wide", help="Print all columns, also on a narrow terminal.")]
DeviceOption = Annotated[
    str | None, typer.Option(metavar="DEVICE", help="cpu, cuda, cuda:1 … (default: a GPU, if there is one)")
]
AgainOption = Annotated[bool, typer.Option("--again", help="Repeat finished steps.")]
RestoreOption = Annotated[bool, typer.Option("--restore", help="Train deleted artifacts again (see `suite gc`).")]
UnsafeOption = Annotated[
    bool, typer.Option("--unsafe-code", help="Run generated programs even where there is no sandbox.")
]
MaxTimeOption = Annotated[
    str | None,
    typer.Option("--max-time", metavar="TIME", help="Stop in order after this time (2h, 30m), and say what is left."),
]
MaxDiskOption = Annotated[
    str | None,
    typer.Option("--max-disk", metavar="SIZE", help="Bytes that the home may hold, as 20GB (default: the disk)."),
]
TrackWithOption = Annotated[
    list[str] | None,
    typer.Option(
        "--track-with", metavar="NAME", help="Live charts: tensorboard, wandb, mlflow or trackio. May be repeated."
    ),
]
PagesOption = Annotated[
    bool,
    typer.Option("--pages/--no-pages", help="Write the pages at the end; without them, `suite render` does so later."),
]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Print only the end, and errors.")]
VerboseOption = Annotated[
    bool, typer.Option("--verbose", "-v", help="Print step ids and all warnings of libraries, too.")
]
WorkersOption = Annotated[
    str | None,
    typer.Option(
        "--workers",
        metavar="N",
        help="Steps at a time, each in a process; auto: one a GPU, or one a core (default: 1).",
    ),
]
ExecutorOption = Annotated[
    str, typer.Option("--executor", metavar="NAME", help="local: on this machine; ray: on a Ray cluster.")
]
AddressOption = Annotated[
    str | None,
    typer.Option("--address", metavar="ADDRESS", help="The Ray cluster: HOST:PORT, or auto (default: a new one here)."),
]
ArtifactsOption = Annotated[
    str | None,
    typer.Option(
        "--artifacts", metavar="URL", help="A folder or s3://… by which nodes exchange artifacts (default: the home)."
    ),
]
MachineOption = Annotated[
    str | None,
    typer.Option(
        "--machine",
        metavar="MACHINE",
        help="Plan time and each step's memory for a machine: 1xH100-80GB, cpu-16GB. Models need no weights.",
    ),
]
