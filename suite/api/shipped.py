"""Shipped records that are not in the store. The site shows them, so the tables mention them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from suite.core.board_terms import BOARD_TERMS
from suite.core.code_key import code_key
from suite.core.hashing import file_hash, fingerprint
from suite.core.user_cache import cached, keep
from suite.results.record_bundles import SUFFIX, RecordName, names_in
from suite.results.store import ResultsReader
from suite.specs.workspace import published, shown

if TYPE_CHECKING:
    from suite.analysis.board import Board, Row

BOARDS: Final = "boards"
"""The kind of cached values: boards of shipped records."""


def remark(store: ResultsReader, track: str | None, names: Collection[str] = ()) -> list[str]:
    """At most one line about shipped records (of a track and of these names, if given) that are not in the store.

    It says how to import them.
    """
    folder = published()
    missing = _missing(store, folder, track, names) if folder else Counter[str]()
    if not folder or not missing:
        return []
    tracks = ", ".join(f"{name} ({count})" for name, count in missing.items())
    first = next(iter(missing))
    bundle = folder / f"{first}{SUFFIX}"
    path = folder if len(missing) > 1 else bundle if bundle.is_file() else folder / first
    what = "shipped records that are not in this store, but on its site"
    return [f"{what}: {tracks}; `suite import {shown(path)}` adds them"]


def _missing(store: ResultsReader, folder: Path, track: str | None, names: Collection[str]) -> Counter[str]:
    """Track -> number of its records that are not in the store."""
    here = {RecordName.of(record) for record in store.experiments(track)}
    return Counter(
        name.track
        for name in _records(folder)
        if track in (None, name.track) and (not names or name.name in names) and name not in here
    )


def shipped_rows() -> frozenset[str]:
    """The names of the rows in the shipped records."""
    folder = published()
    return frozenset(name.name for name in _records(folder)) if folder else frozenset()


def shipped_files(name: str, track: str | None) -> list[Path]:
    """The shipped files with records of rows of this name (on a track); they can be read without importing them."""
    folder = published()
    found = _records(folder).items() if folder else ()
    return sorted({file for each, file in found if each.name == name and track in (None, each.track)})


def rows_beside(rows: Sequence[Row], terms: Mapping[str, Any]) -> tuple[Row, ...]:
    """The shipped rows that rows of one track are to be compared with: other methods on the same targets.

    `terms` is the track as plain data (`Experiment.resolved`); rows that ran on other terms, or only in part, are left
    out.
    """
    from suite.analysis.board import BASELINE

    folder, track = published(), str(terms["name"])
    targets, names = {row.targets for row in rows if row.method != BASELINE}, {row.name for row in rows}
    if folder is None or not targets or not any(name.track == track for name in _records(folder)):
        return ()
    shipped_board, asked = _shipped_board(folder, track)
    others = {name for name, own in asked.items() if _terms(own) != _terms(terms)}
    return tuple(
        row
        for row in shipped_board.rows
        if row.method != BASELINE and row.targets in targets and row.name not in names
        if not row.changes and not row.missing and not others.intersection(row.experiments)
    )


def _shipped_board(folder: Path, track: str) -> tuple[Board, Mapping[str, Mapping[str, Any]]]:
    """The board of a track's shipped records, and experiment -> its track; from the user's cache, if it is there."""
    from pydantic import TypeAdapter

    from suite.analysis.board import Board, board
    from suite.results.records import read_records_into_memory

    key = fingerprint([code_key(), track, records_key(track)], 32)
    known = cached(BOARDS, key)
    if known is None:
        with read_records_into_memory(folder, trusted=True) as shared:
            asked = {record.id: record.spec["track"] for record in shared.experiments(track)}
            known = json.dumps([asdict(board(shared, track)), asked]).encode()
        keep(BOARDS, key, known)
    plain, asked = json.loads(known)
    return TypeAdapter(Board).validate_python(plain), asked


def _terms(track: Mapping[str, Any]) -> dict[str, Any]:
    """What can change a result: a track without what is only said about it."""
    return {key: value for key, value in track.items() if key not in BOARD_TERMS}


def records_key(track: str) -> str:
    """A key of the shipped records of a track: another one whenever a file is another one."""
    folder = published()
    files = {file for name, file in _records(folder).items() if name.track == track} if folder else ()
    return fingerprint([[file.name, file_hash(file)] for file in sorted(files)], 32)


def _records(folder: Path) -> dict[RecordName, Path]:
    """The records of a folder as `suite export` writes them, with their files, in the order of tracks and names."""
    files: dict[RecordName, Path] = {}
    for file in sorted(file for kind in ("*/*.json", "*/*.json.gz") for file in folder.glob(kind)):
        name, seed, variant = file.name.partition(".json")[0].rsplit("--", 2)
        files[RecordName(file.parent.name, name, int(seed.removeprefix("seed")), variant)] = file
    for file in folder.glob(f"*{SUFFIX}"):
        files |= dict.fromkeys(names_in(file), file)
    return dict(sorted(files.items()))
