"""The commands that print results: tables, comparisons, answers, papers' tables, verdicts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from suite.cli.completion import experiment_names
from suite.cli.options import (
    DataOption,
    DbOption,
    ExperimentArgument,
    HomeOption,
    JsonOption,
    ModelsOption,
    OfTrackOption,
    WideOption,
)
from suite.core.run_dir import RUNS


def show(
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", autocompletion=experiment_names, help="An experiment (default: all)."),
    ] = None,
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


def board(
    track: OfTrackOption = None,
    as_json: JsonOption = False,
    as_markdown: Annotated[
        bool, typer.Option("--markdown", help="Print Markdown, as for a comment on a pull request.")
    ] = False,
    wide: WideOption = False,
    home: HomeOption = RUNS,
    db: DbOption = None,
) -> None:
    """Rank the rows of each track, with intervals and tests.

    Changes are from the pretrained model, with corrected p, minimum detectable effect and variance components.
    """
    from suite.cli.commands.boards import print_boards
    from suite.core.run_dir import RunDir

    print_boards(RunDir(home, db), track, as_json=as_json, as_markdown=as_markdown, wide=wide)


def compare(
    first: Annotated[str, typer.Argument(metavar="A", autocompletion=experiment_names, help="An experiment.")],
    second: Annotated[
        str, typer.Argument(metavar="B", autocompletion=experiment_names, help="The experiment to compare it with.")
    ],
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


def recommend(
    target: Annotated[str | None, typer.Option("--target", metavar="ROLE", help="Only this target.")] = None,
    max_memory: Annotated[
        str | None, typer.Option("--max-memory", metavar="SIZE", help="Peak memory of training, as 8GB.")
    ] = None,
    max_time: Annotated[
        str | None, typer.Option("--max-time", metavar="TIME", help="Time of training, as 1h or 90s.")
    ] = None,
    keep: Annotated[
        str | None, typer.Option("--keep", metavar="SHARE", help="Least share of the held-out average, as 95%.")
    ] = None,
    track: OfTrackOption = None,
    as_json: JsonOption = False,
    wide: WideOption = False,
    home: HomeOption = RUNS,
    db: DbOption = None,
) -> None:
    """Say which row to take, within limits of memory, time and loss.

    Of rows with at least the track's share of the best gain, one that keeps most; of those, the cheapest.
    """
    from suite.cli.commands.advice import limits_of, print_advice
    from suite.core.run_dir import RunDir

    limits = limits_of(max_memory, max_time, keep)
    print_advice(RunDir(home, db), target, track, limits, as_json=as_json, wide=wide)


def answers(
    experiment: ExperimentArgument,
    role: Annotated[
        str | None, typer.Option("--role", metavar="ROLE", help="A task (default: the first target).")
    ] = None,
    shots: Annotated[
        int | None, typer.Option("--shots", min=0, metavar="N", help="Exemplars in the prompt (default: the fewest).")
    ] = None,
    document: Annotated[int | None, typer.Option("--doc", min=0, metavar="K", help="One document, whole.")] = None,
    wrong: Annotated[bool, typer.Option("--wrong", help="Only documents without full marks.")] = False,
    prompt: Annotated[bool, typer.Option("--prompt", help="The whole prompt, exemplars included.")] = False,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, metavar="N", help="Documents to print (default: 5; as JSON: all).")
    ] = None,
    track: OfTrackOption = None,
    seed: Annotated[int | None, typer.Option("--seed", min=0, metavar="N", help="Of several seeds, this one.")] = None,
    as_json: JsonOption = False,
    data: DataOption = None,
    models: ModelsOption = None,
    home: HomeOption = RUNS,
    db: DbOption = None,
) -> None:
    """Print what was asked, answered, parsed and scored.

    A prompt is rendered again from its task and data (a chat also with the model's tokenizer), and shown only if it is
    the one that was asked.
    """
    from suite.cli.commands.answers import Choice, print_answers
    from suite.core.run_dir import RunDir

    choice = Choice(track, seed, role, shots, document, wrong=wrong, prompts=prompt, limit=limit)
    print_answers(RunDir(home, db), experiment, choice, data, models, as_json=as_json)


def save(
    experiment: ExperimentArgument,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="The folder to make.")],
    track: OfTrackOption = None,
    seed: Annotated[
        int | None,
        typer.Option("--seed", min=0, metavar="N", help="This seed (default: the best one on the selection rows)."),
    ] = None,
    role: Annotated[
        str | None, typer.Option("--role", metavar="ROLE", help="What answers this task (default: the targets).")
    ] = None,
    merge: Annotated[bool, typer.Option("--merge", help="Put an adapter into the weights.")] = False,
    dtype: Annotated[
        Literal["float32", "bfloat16", "float16"] | None,
        typer.Option("--dtype", help="The type of the numbers (default: as evaluated)."),
    ] = None,
    push: Annotated[
        str | None,
        typer.Option("--push", metavar="ORG/NAME", help="Upload the folder to the hub, to a private repository."),
    ] = None,
    models: ModelsOption = None,
    home: HomeOption = RUNS,
    db: DbOption = None,
) -> None:
    """Save a trained model for plain transformers and PEFT.

    The folder has a model card. It is loaded again and compared before the command ends; nothing is overwritten.
    """
    from suite.cli.commands.saving import save_experiment
    from suite.core.run_dir import RunDir

    save_experiment(
        RunDir(home, db), experiment, folder, track=track, seed=seed, role=role, merge=merge, dtype=dtype, push=push,
        models=models,
    )  # fmt: skip


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
    badge: Annotated[
        Path | None, typer.Option("--badge", metavar="FILE", help="Write the tally as JSON for a badge of shields.io.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Also exit with 1 for undecided or not-run claims.")] = False,
    as_json: JsonOption = False,
    home: HomeOption = RUNS,
    db: DbOption = None,
) -> None:
    """Judge claims from stored results.

    Without a store, the records that come with suite are judged. Exit code 1: a claim fails or cannot be compared.
    Exit code 2: a claim names what no spec and no row has.
    """
    from suite.cli.commands.checking import Reports, check_claims
    from suite.core.run_dir import RunDir

    reports = Reports(junit, markdown, badge, as_json)
    well = check_claims(RunDir(home, db), claims or [], track, reports, strict=strict)
    raise typer.Exit(0 if well else 1)
