"""Writes the site beside the old one and then swaps them, so that there is always a complete site."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from leaderboard.build import drafts
from leaderboard.build.cache import LIST, CacheEntry, PageCache, Unchanged
from leaderboard.build.context import SiteContext
from leaderboard.build.shipped_groups import keep_group
from leaderboard.build.site import Page, site
from leaderboard.data.js_data import File
from leaderboard.view.text import breakable, finalize, initials, passage
from leaderboard.view.urls import slug
from suite.core.cycles import fewer_collections
from suite.core.errors import SuiteError, machine_problem
from suite.core.outputs import not_written
from suite.results.store import ResultsReader

MARK = ".suite-site"
"""A file that marks a folder as a site made by suite. Folders without it are never replaced."""
ELSEWHERE = "choose another with --out"


def render(store: ResultsReader, out: Path, context: SiteContext | None = None) -> Path:
    """Write the site of a store, in place of the old one.

    Unchanged files are kept. Returns the path of the index page. Raises SuiteError if `out` is something other than a
    site, or cannot be written.
    """
    out = out.resolve()
    _check(out)
    try:
        draft = drafts.Draft(out)
    except OSError as error:
        raise not_written(error, out, ELSEWHERE) from None
    try:
        with fewer_collections():
            write(store, draft.folder, context or SiteContext(), out)
        _swap(draft.folder, out)
    except OSError as error:
        if machine_problem(error) is None:
            raise
        raise not_written(error, out, ELSEWHERE) from error
    finally:
        draft.close()
    drafts.clear(out)
    return out / "index.html"


def write(store: ResultsReader, folder: Path, context: SiteContext, old: Path) -> None:
    """Write all files of the site into an empty folder. Files that equal the older site's become links to them."""
    folder.chmod(0o755)
    _put(folder, old, MARK, b"made by `suite render`, which replaces this folder\n")
    environment = _environment(context)
    cache = PageCache.read(old)
    sizes: dict[str, int] = {}
    groups: dict[str, dict[str, Any]] = {}
    for item in site(store, context, cache):
        if isinstance(item, Unchanged):
            for path in item.paths:
                sizes[path] = _take_over(folder, old, path, cache.files)
        elif isinstance(item, CacheEntry):
            groups[item.name] = item.plain(sizes)
            if item.experiments and item.experiments <= context.shipped:
                keep_group(item.name, item.inputs, groups[item.name], folder)
        else:
            text = item.text if isinstance(item, File) else _page(environment, item)
            content = text.encode("utf-8", "replace")
            sizes[item.path] = len(content)
            _put(folder, old, item.path, content)
    _put(folder, old, LIST, json.dumps(groups, separators=(",", ":")).encode())
    for name, content in _static():
        _put(folder, old, f"static/{name}", content)


def _put(folder: Path, old: Path, path: str, content: bytes) -> None:
    """Write a file, or link the older site's file if it is the same: its date and blocks stay."""
    file, before = os.path.join(folder, path), os.path.join(old, path)
    if _same(before, content):
        try:
            _linked(before, file)
            return
        except OSError:  # a file system without links
            pass
    try:
        _written(file, content)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(file), exist_ok=True)
        _written(file, content)


def _take_over(folder: Path, old: Path, path: str, others: Mapping[str, bytes]) -> int:
    """Take over an older site's file, or one of other sites. Returns its size in bytes."""
    if path in others:
        _put(folder, old, path, others[path])
        return len(others[path])
    file, before = os.path.join(folder, path), os.path.join(old, path)
    try:
        _linked(before, file)
    except OSError:  # a file system without links
        os.makedirs(os.path.dirname(file), exist_ok=True)
        shutil.copyfile(before, file)
    return os.stat(file).st_size


def _linked(before: str, file: str) -> None:
    try:
        os.link(before, file)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(file), exist_ok=True)
        os.link(before, file)


def _same(file: str, content: bytes) -> bool:
    try:
        with open(file, "rb") as stream:
            return os.fstat(stream.fileno()).st_size == len(content) and stream.read() == content
    except OSError:
        return False


def _written(file: str, content: bytes) -> None:
    with open(file, "wb") as stream:
        stream.write(content)


def _page(environment: Environment, page: Page) -> str:
    root = "../" * page.path.count("/")
    return environment.get_template(page.template).render(root=root, path=page.path, **page.values)


def _environment(context: SiteContext) -> Environment:
    environment = Environment(
        loader=PackageLoader("leaderboard"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.policies["json.dumps_kwargs"] = {"allow_nan": False, "separators": (",", ":")}
    environment.filters["breakable"] = breakable
    environment.filters["initials"] = initials
    environment.filters["passage"] = passage
    environment.filters["slug"] = slug
    environment.globals.update(context.on_every_page)
    return environment


def _static() -> Iterator[tuple[str, bytes]]:
    static = resources.files("leaderboard").joinpath("static")
    for folder, below in ((static, ""), (static.joinpath("vendor"), "vendor/")):
        for item in sorted(folder.iterdir(), key=lambda item: item.name):
            if item.is_file():
                yield below + item.name, item.read_bytes()


def _check(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise SuiteError("is a file, not a folder", where=str(out), fix="choose another with --out")
    if out.is_dir() and any(out.iterdir()) and not (out / MARK).is_file():
        fix = "choose a new or empty folder with --out"
        raise SuiteError("is a folder that suite did not make, and would be replaced", where=str(out), fix=fix)


def _swap(new: Path, out: Path) -> None:
    """Replace a folder by another. If several renders do so at the same time, the last one stays."""
    old = new.with_name(new.name + drafts.OLD)
    for attempt in range(20):
        try:
            if out.exists():
                os.rename(out, old)
            os.rename(new, out)
            break
        except OSError:
            if old.exists() and not out.exists():
                os.rename(old, out)
            if attempt == 19 or not new.exists():
                raise
            shutil.rmtree(old, ignore_errors=True)
            time.sleep(0.05)
    shutil.rmtree(old, ignore_errors=True)
