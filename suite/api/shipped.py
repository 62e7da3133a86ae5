"""Shipped records that are not in the store. The site shows them, so the tables mention them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from pathlib import Path

from suite.results.store import ResultsReader
from suite.specs.workspace import published, shown


def remark(store: ResultsReader, track: str | None, names: Collection[str] = ()) -> list[str]:
    """At most one line about shipped records (of a track and of these names, if given) that are not in the store.

    It says how to import them.
    """
    folder = published()
    missing = _missing(store, folder, track, names) if folder else Counter[str]()
    if not folder or not missing:
        return []
    tracks = ", ".join(f"{name} ({count})" for name, count in missing.items())
    path = folder / next(iter(missing)) if len(missing) == 1 else folder
    what = "shipped records that are not in this store, but on its site"
    return [f"{what}: {tracks}; `suite import {shown(path)}` adds them"]


def _missing(store: ResultsReader, folder: Path, track: str | None, names: Collection[str]) -> Counter[str]:
    """Track -> number of its records that are not in the store. A record's file name has its name, seed and variant."""
    here = {
        (record.track, f"{record.name}--seed{record.seed}--{str(record.spec['variant'])[:8]}")
        for record in store.experiments(track)
    }
    files = _files(folder)
    return Counter(
        file.parent.name
        for file in files
        if track in (None, file.parent.name)
        and (not names or file.name.partition("--")[0] in names)
        and (file.parent.name, file.name.partition(".json")[0]) not in here
    )


def shipped_rows() -> frozenset[str]:
    """The names of the rows in the shipped records."""
    folder = published()
    return frozenset(file.name.partition("--")[0] for file in _files(folder)) if folder else frozenset()


def shipped_files(name: str, track: str | None) -> list[Path]:
    """The shipped records of the rows with this name (on a track); they can be read without importing them."""
    folder = published()
    found = [file for file in _files(folder) if file.name.partition("--")[0] == name] if folder else []
    return [file for file in found if track in (None, file.parent.name)]


def _files(folder: Path) -> list[Path]:
    return sorted(file for kind in ("*/*.json", "*/*.json.gz") for file in folder.glob(kind))
