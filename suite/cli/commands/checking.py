"""Judge claims and write the verdicts in the requested formats."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from suite.analysis.claims.report import badge, junit, markdown, plain, text
from suite.api.claims import chosen, judged
from suite.api.results import unwritable_on
from suite.api.shipped import remark
from suite.cli.commands.as_json import as_text
from suite.cli.commands.stored import reading
from suite.cli.commands.tables import room, wrapped
from suite.core.errors import SuiteError
from suite.core.outputs import write_output
from suite.core.run_dir import RunDir
from suite.results.store import ResultsReader
from suite.specs.workspace import published


@dataclass(frozen=True)
class Reports:
    """Files for the verdicts, and the format on the terminal."""

    junit: Path | None = None
    markdown: Path | None = None
    badge: Path | None = None
    as_json: bool = False


def check_claims(
    home: RunDir, files: Sequence[Path], track: str | None, reports: Reports, *, strict: bool = False
) -> bool:
    """Judge claims and report them. Returns whether all pass; with `strict`, undecided claims do not pass.

    Without files, judges all claims about tracks that have rows. Without a store, judges the records that ship with
    suite. Raises SuiteError for names that no spec, row or track has.
    """
    with _judged_from(home) as (store, source):
        selected = chosen(store, files, track)
        if source and not set(selected.tracks) & set(store.tracks()):
            tracks = ", ".join(selected.tracks)
            what = f"there is no store yet, and the records that come with suite have nothing about {tracks}"
            raise SuiteError(what, where=str(home.folder), fix="`suite run` makes one")
        verdicts = judged(store, selected)
        more = [f"{line} ({name})" for name in selected.tracks for line in unwritable_on(store, name)]
        more += [source] if source else [line for name in selected.tracks for line in remark(store, name)]
    _write(reports.junit, junit(verdicts, strict=strict))
    _write(reports.markdown, markdown(verdicts, strict=strict).encode())
    _write(reports.badge, badge(verdicts))
    if reports.as_json:
        print(as_text(plain(verdicts, strict=strict)))
    else:
        width = room()
        print("\n".join([*wrapped(text(verdicts), width, indent=f"{'':<16}"), *wrapped(more, width)]))
    return all(verdict.passes(strict=strict) for file in verdicts for verdict in file.verdicts)


@contextmanager
def _judged_from(home: RunDir) -> Iterator[tuple[ResultsReader, str]]:
    """The store, or the records that ship with suite if there is none, and a line that says so."""
    folder = None if home.exists else published()
    if folder is None:
        with reading(home) as store:
            yield store, ""
        return
    from suite.results.records import read_records_into_memory

    with read_records_into_memory(folder, trusted=True) as store:
        location = "yet" if home.db else f"in {home.folder}"
        yield store, f"there is no store {location}: judged from the records that come with suite"


def _write(file: Path | None, content: bytes) -> None:
    if file is None:
        return
    write_output(file, content, "name another file")
