"""Whether what was made from the store is up to date: keys of all that it was made from, and a site's files.

What is known of earlier commands is in the user's cache folder, never in the site or the store. Where it is missing, a
site or a table is made again.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Final

from suite.core.code_key import code_key
from suite.core.errors import SuiteError
from suite.core.hashing import file_hash, fingerprint
from suite.core.user_cache import cached, keep
from suite.results.store import ResultsReader
from suite.specs.workspace import Workspace, shipped

SITES: Final = "sites"
"""The kind of cached values: what a site was made from, and its files."""
KINDS: Final = ("claims", "metrics", "tasks")
"""Folders of a workspace whose files a site shows or is judged by."""
SUFFIXES: Final = (".py", ".yaml", ".yml")
ELSEWHERE: Final = re.compile(rb"\.\.[/\\]|[:\s\"'\[][/~]\w|[A-Za-z]:\\")
"""What names a file outside of these folders."""


def stored_key(store: ResultsReader) -> str:
    """A key of all that is stored of experiments: another one whenever reading any part gives something else."""
    records = store.experiments()
    links = store.links_of([record.id for record in records])
    own = {record.id: links.get(record.id, ()) for record in records}
    return fingerprint([code_key(), [repr(record) for record in records], store.versions(own)], 32)


def site_key(store: ResultsReader, records: Sequence[Path], *parts: str) -> str | None:
    """A key of all that a site is made from: the store, files of records, `parts`, and the workspace's files.

    None if these files name others, elsewhere, so that nothing can be said.
    """
    workspace = _workspace_key()
    if workspace is None:
        return None
    return fingerprint([stored_key(store), workspace, [file_hash(file) for file in records], *parts], 32)


def is_current(site: Path, key: str) -> bool:
    """Whether the site was made with this key, and its files were not touched since then."""
    content = cached(SITES, _name(site))
    return content is not None and content == _state(site, key)


def made(site: Path, key: str) -> None:
    """Note that the site as it is now was made with this key."""
    keep(SITES, _name(site), _state(site, key))


def _name(site: Path) -> str:
    return sha256(os.fsencode(site.resolve())).hexdigest()[:32]


def _state(site: Path, key: str) -> bytes:
    return json.dumps([key, list(_files(site, ""))]).encode()


def _files(folder: Path, name: str) -> Iterator[tuple[str, int, int]]:
    """Yield (path, bytes, time of the last change in ns) of each file; nothing if there is no such folder."""
    try:
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        if entry.is_dir():
            yield from _files(Path(entry.path), f"{name}{entry.name}/")
        else:
            stat = entry.stat(follow_symlinks=False)
            yield f"{name}{entry.name}", stat.st_size, stat.st_mtime_ns


def _workspace_key() -> str | None:
    workspace, own = Workspace.here(), shipped().resolve()
    roots = dict.fromkeys([Path("specs").resolve(), Path.cwd(), *workspace.roots])
    parts: list[object] = [str(Path.cwd())]
    try:
        for root in roots:
            for file in sorted(file for kind in KINDS for file in (root / kind).rglob("*") if file.suffix in SUFFIXES):
                if root != own and ELSEWHERE.search(file.read_bytes()):
                    return None
                parts.append([str(file), file_hash(file)])
        for name, origins in workspace.metrics.origins.items():
            parts += [[name, origin.sources().hash] for origin in origins]
    except (OSError, SuiteError):  # the render says what is wrong, if it needs the file
        return None
    return fingerprint(parts, 32)
