"""Print a paper's tables as Markdown, CSV or LaTeX."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping

from suite.analysis.papers import WRITERS, Layout, Table, TrackRows, fill
from suite.analysis.papers.schema import experiments
from suite.cli.commands.stored import reading
from suite.core.console import visible
from suite.core.errors import SuiteError, did_you_mean
from suite.core.run_dir import RunDir
from suite.results.store import ResultsReader
from suite.specs.papers import named_tables, read_table, table_files


def table_list() -> Iterator[str]:
    """One line for each known table."""
    for name, file in table_files().items():
        layout = read_table(file)
        yield f"{name:<12} {layout.source}: {layout.title}"


def print_tables(home: RunDir, name: str | None, track: str | None, form: str) -> None:
    """Print a table, or all tables of a paper, for one track or each track that has a row of it. A CSV's notes go to
    standard error."""
    if name is None:
        raise SuiteError("name a table", fix="`suite table --list` lists them")
    if form not in WRITERS:
        raise SuiteError(f"there is no format '{form}'", where="--format", fix=did_you_mean(form, WRITERS))
    layouts = {table: read_table(file) for table, file in named_tables(name).items()}
    with reading(home) as store:
        rows = _tracks(store, home, layouts, name, track)
        tables = [fill(of_track, table, layout) for of_track in rows for table, layout in layouts.items()]
    print("\n".join(map(WRITERS[form], tables)), end="")
    if form == "csv":
        for note in _distinct_notes(tables):
            print(f"note: {visible(note)}", file=sys.stderr)


def _tracks(
    store: ResultsReader, home: RunDir, layouts: Mapping[str, Layout], name: str, track: str | None
) -> list[TrackRows]:  # fmt: skip
    tracks = store.tracks()
    if not tracks:
        raise SuiteError("there is nothing to show yet", where=str(home.folder), fix="`suite run SPEC` first")
    if track is not None:
        if track not in tracks:
            raise SuiteError(
                f"nothing was run on the track '{track}'", where="--track", fix=did_you_mean(track, tracks)
            )
        return [TrackRows(store, track)]
    names = {experiment for layout in layouts.values() for experiment in experiments(layout)}
    with_rows = [rows for rows in (TrackRows(store, each_track) for each_track in tracks) if rows.names & names]
    if not with_rows:
        fix = f"run one of its rows, or see it empty: --track {tracks[0]}"
        raise SuiteError(f"no row of '{name}' was run", where=str(home.folder), fix=fix)
    return with_rows


def _distinct_notes(tables: list[Table]) -> dict[str, None]:
    """The tables' notes without duplicates."""
    return dict.fromkeys(f"{table.name} on {table.track}: {note}" for table in tables for note in table.notes)
