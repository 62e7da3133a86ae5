"""Renders the leaderboard's pages from the local store and from published records."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final

import yaml

from suite import methods
from suite.api.paths import File, home_of
from suite.api.results import reading
from suite.api.unchanged import is_current, made, site_key
from suite.core.code_key import code_key
from suite.core.errors import SuiteError
from suite.core.hashing import file_hash, fingerprint
from suite.core.run_dir import RunDir
from suite.core.user_cache import cached, keep
from suite.results.record_files import record_files
from suite.results.store import ResultsReader, Store
from suite.results.store.urls import database_url
from suite.specs.workspace import Workspace, published
from suite.tasks.definition import TaskFile, read_task

VERSIONS: Final = "versions"
"""The kind of cached values: the versions of published records."""


def render(
    home: File | None = None, *, db: str | None = None, out: File | None = None, records: File | None = None
) -> Path:
    """Write the pages of the local store and of published records. Returns the page to open.

    Writes to `out`, or to `site/` in the folder of runs. `records` replaces the folder of published records that comes
    with suite. Raises SuiteError if the pages cannot be written.
    """
    site, shared = (None if path is None else Path(path) for path in (out, records))
    return render_site(home_of(home, db), site, shared, warnings.warn)


def render_site(home: RunDir, out: Path | None, records: Path | None, warn: Callable[[str], object]) -> Path:
    """Like `render`. Calls `warn` if any data that was read had been changed after it was written.

    A site that was made from the same store, records, files and code stays as it is: none of them is read again.
    """
    folder = records or published()
    if records is not None and not records.is_dir():
        raise SuiteError("there is no such folder", where=f"--records {records}")
    site = out or home.site
    # Without local runs, a fresh clone shows a board of the published records.
    with reading(home, warn) if home.exists else Store.open("sqlite://") as local:

        def key() -> str | None:
            files = record_files([folder]) if folder else []
            return site_key(local, files, _database(home, site), "" if records is None else "records")

        before = key()
        if before is not None and is_current(site, before):
            return site.resolve() / "index.html"
        page = _written(local, folder, site, _database(home, site), own_records=records is not None)
        if before is not None and local.alteration() is None and key() == before:  # nobody wrote meanwhile
            made(site, before)
        return page


def _written(local: Store, folder: Path | None, site: Path, database: str, *, own_records: bool) -> Path:
    """Write the pages of a store and a folder of records. Returns the page to open."""
    from leaderboard import SiteContext, UnionReader
    from leaderboard import render as write_pages
    from suite.api.claims import judge_stored
    from suite.results.records import read_records_into_memory

    with ExitStack() as stack:
        shared = stack.enter_context(read_records_into_memory(folder, trusted=not own_records)) if folder else None
        versions = stack.enter_context(known_versions(folder)) if folder else {}
        store: ResultsReader = UnionReader(local, shared, versions) if shared else local
        claims = judge_stored(store)
        context = SiteContext(
            methods={name: methods.get(name).__doc__ or "" for name in methods.names()},  # no code from outside
            templates=_templates([reader for reader in (local, shared) if reader]),
            claims=claims.verdicts,
            unread=claims.unread,
            database=database,
            shipped=_ids(shared) - _ids(local) if shared and not own_records else frozenset(),
        )
        return write_pages(store, site, context)


@contextmanager
def known_versions(folder: Path) -> Iterator[dict[str, dict[str, str]]]:
    """Experiment -> part -> its version, of published records; in the user's cache with what is added meanwhile."""
    key = fingerprint([code_key(), *map(file_hash, record_files([folder]))], 32)
    before = cached(VERSIONS, key)
    versions: dict[str, dict[str, str]] = json.loads(before) if before else {}
    number = len(versions)
    yield versions
    if len(versions) > number:
        keep(VERSIONS, key, json.dumps(versions).encode())


def _database(home: RunDir, site: Path) -> str:
    """The SQLite file's path for a published page: relative to the site if the site is in its folder, or its name."""
    url = database_url(home.url)
    if not home.exists or url.get_backend_name() != "sqlite" or url.database in (None, "", ":memory:"):
        return ""
    file, folder = Path(str(url.database)).resolve(), site.resolve()
    return os.path.relpath(file, folder) if folder.is_relative_to(file.parent) else file.name


def _ids(store: ResultsReader) -> frozenset[str]:
    return frozenset(record.id for record in store.experiments())


def _templates(stores: Sequence[ResultsReader]) -> dict[str, str]:
    """Fingerprint -> task file, for the tasks of stored runs. Pages show a file only if it is the version that ran."""
    specs = [record.spec for store in stores for record in store.experiments()]
    named = sorted({str(role["task"]) for spec in specs for role in spec["roles"].values()})
    folders = Workspace.here().task_folders
    templates: dict[str, str] = {}
    for name in named:
        if any((folder / f"{name}.yaml").is_file() for folder in folders):
            with suppress(SuiteError, OSError):  # a file that is broken now is not the version that was run
                task = read_task(name, folders, load_plugins=False)
                templates[task.fingerprint] = _text_of(task)
    return templates


def _text_of(task: TaskFile) -> str:
    """A task as YAML, with the source of its own metrics."""
    plain = json.loads(json.dumps(task.config))
    parts = [yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=100)]
    files = dict.fromkeys(metric.file for metric in task.python.values())
    parts += [f"# {file.name}\n{file.read_text('utf-8', 'replace')}" for file in files]
    parts += [f"# metric {name}\n{plugin.text}" for name, plugin in task.plugins.items()]
    return "\n".join(parts)
