"""`suite new`: say or ask how a table's columns are used, and write a workspace."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final, cast, get_args

import typer

from suite.core.console import visible
from suite.core.errors import SuiteError, did_you_mean
from suite.core.outputs import copy_folder
from suite.core.quantities import clock
from suite.specs import shipped
from suite.starter.budget import ENOUGH, MOST_DOCUMENTS
from suite.starter.columns import (
    KIND_NAMES,
    ChosenColumns,
    ColumnReading,
    NotPlain,
    TaskKind,
    columns_of,
    missing_options,
)
from suite.starter.conversations import unpacked
from suite.starter.models import model_named
from suite.starter.sources import DataSource, read_source
from suite.starter.table import PreparedTable, prepare
from suite.starter.workspace import NewWorkspace, check_folder, reading_of, write_workspace

LABELS_SHOWN: Final = 12


def new_workspace(
    folder: Path, data: str | None, model: str | None, models: Path | None, chosen: ChosenColumns, *,
    seed: int, minutes: float, device: str | None,
) -> None:  # fmt: skip
    """Make a workspace from a table, or from the shipped specs if there is none, and print what to do next."""
    check_folder(folder)
    if data is None:
        if model is not None or chosen != ChosenColumns():
            what = "there is no data to make a task of"
            raise SuiteError(what, where="--data", fix="name a file, a folder, or org/name of the hub")
        copy_folder(shipped(), folder / "specs", "name another folder")
        print(f"{folder}: now run `cd {folder} && suite run specs/promot_rte.yaml`")
        return
    if model is not None:
        model_named(model)  # refuses what is no model before the table is read
    source = unpacked(read_source(data))
    reading = _with_questions(source, chosen) if sys.stdin.isatty() else _without_questions(source, chosen)
    table = prepare(source, reading, seed)
    for line in _understood(source, reading, table):
        print(visible(line), flush=True)
    made = write_workspace(folder, source, table, model, models, minutes=minutes, device=device)
    for line in _ending(made, minutes, bundled=model is None):
        print(visible(line))


def kind_named(text: str | None) -> TaskKind | None:
    """A kind of task by its name. Raises SuiteError for another word."""
    if text is not None and text not in get_args(TaskKind):
        raise SuiteError(f"there is no kind '{text}'", where="--kind", fix=did_you_mean(text, get_args(TaskKind)))
    return cast("TaskKind | None", text)


def _with_questions(source: DataSource, chosen: ChosenColumns) -> ColumnReading:
    """The use of the columns; asks on the terminal if it is not clear."""
    columns = columns_of(source.columns, [placed.row for placed in source.rows])
    names = [name for name, column in columns.items() if not column.nested]
    while True:
        try:
            return reading_of(source, chosen)
        except NotPlain as error:
            print(visible(error.problems[0].what))
            if error.missing == "kind":
                chosen = replace(chosen, kind=cast(TaskKind, _choice("Kind of task", get_args(TaskKind))))
            elif error.missing == "target":
                chosen = replace(chosen, target=_choice("Column that answers", names))
            else:
                chosen = replace(chosen, inputs=(_choice("Column that is asked", names),))


def _without_questions(source: DataSource, chosen: ChosenColumns) -> ColumnReading:
    """The use of the columns. Raises SuiteError with all options that are missing."""
    try:
        return reading_of(source, chosen)
    except NotPlain as error:
        columns = columns_of(source.columns, [placed.row for placed in source.rows])
        raise missing_options(columns, chosen, source.shown, error) from None


def _choice(question: str, options: list[str] | tuple[str, ...]) -> str:
    """Ask until the answer is one of the options."""
    while True:
        given = str(typer.prompt(f"{question} ({', '.join(options)})")).strip()
        if given in options:
            return given
        print(f"there is no '{visible(given)}'; {did_you_mean(given, options)}")


def _understood(source: DataSource, reading: ColumnReading, table: PreparedTable) -> Iterator[str]:
    columns = columns_of(source.columns, [placed.row for placed in source.rows])
    yield f"{source.shown}: {len(source.rows)} rows; columns: {', '.join(map(str, columns.values()))}"
    inputs = ", ".join(reading.inputs)
    yield f"taken for {KIND_NAMES[reading.kind]}: input {inputs}, target {reading.target} (--input, --target, --kind)"
    if table.labels:
        counts = Counter(table.answer(row) for row in table.rows)
        labels = [f"{label} ({counts[label]})" for label in table.labels[:LABELS_SHOWN]]
        more = f" and {len(table.labels) - LABELS_SHOWN} more" if len(table.labels) > LABELS_SHOWN else ""
        yield f"labels: {', '.join(labels)}{more}"
    yield from (f"note: {note}" for note in table.notes)


def _ending(made: NewWorkspace, minutes: float, *, bundled: bool) -> Iterator[str]:
    speed, budget = made.speed, made.budget
    yield (
        f"measured on {speed.device}: {clock(speed.training)} a step of {speed.batch_size} examples; "
        f"{budget.steps} steps a method, about {budget.minutes} min for {len(budget.methods)} specs"
    )
    if made.left_out:
        yield f"note: {made.left_out}"
    if budget.left_out:
        yield (
            f"note: left out, as {minutes:g} min do not hold {ENOUGH} steps of each: {', '.join(budget.left_out)}; "
            f"--minutes {budget.minutes_of_all} would hold all"
        )
    if budget.seconds > minutes * 63:
        yield f"note: that is more than {minutes:g} min (--minutes): fewer than {budget.steps} steps may teach nothing"
    if budget.documents < MOST_DOCUMENTS:
        yield (
            f"note: held-out tasks are asked {budget.documents} documents each, to save time; an interval of a task is "
            f"then about ± {200 * (0.25 / budget.documents) ** 0.5:.0f}"
        )
    if speed.busy > 1:
        yield (
            f"note: the machine was busy ({speed.busy:.1f} processes a core): idle, steps may be several times faster; "
            "remove the folder and repeat this then, for more steps"
        )
    if budget.cut:
        long = f"{budget.cut} of {len(speed.lengths)} rows that were counted are longer"
        yield f"note: {long} than {budget.max_length} tokens: they lose their beginning"
    if bundled:
        yield "note: no --model: the bundled micro model is good to try suite, and says nothing about your data"
    yield f"{made.folder}: {len(made.files)} files; read {made.folder / 'README.md'}"
    yield f"now run `cd {made.folder} && suite run`"
