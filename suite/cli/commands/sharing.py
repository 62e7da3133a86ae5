"""Render pages, and export, import and verify records."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from suite.api import site
from suite.cli.commands.stored import reading, warn
from suite.core.run_dir import RunDir
from suite.results.store import Store


def render_site(home: RunDir, out: Path | None, records: Path | None) -> Path:
    """Write the pages of the local store and of published records; returns the page to open."""
    return site.render_site(home, out, records, warn)


def export_records(
    home: RunDir, out: Path, names: Sequence[str], track: str | None, *, texts: bool, bundle: bool
) -> list[Path]:
    """Write finished experiments as records, with or without the data sets' own texts, or as a bundle a track."""
    from suite.results.records import export_records as export

    with reading(home) as store:
        return export(store, out, names, track, texts=texts, bundle=bundle)


def import_records(home: RunDir, files: Sequence[Path]) -> list[str]:
    """Check records and add them to the store."""
    from suite.api.records import off_its_track
    from suite.results.records import import_records as add

    with Store.open(home.url) as store:
        return add(store, files, off_its_track())


def verify_records(files: Sequence[Path]) -> list[str]:
    """Check records like an import, without storing them: hashes, fields, ids, and scores against answers."""
    from suite.api.records import off_its_track
    from suite.results.records import verify_records as verify

    return verify(files, off_its_track())
