"""Writing the site: beside the old one first, then in its place, so that there is always a whole one."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from importlib import resources
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from leaderboard.pages import File, Page, site
from leaderboard.sources import Joined
from leaderboard.text import finalize, passage
from suite.errors import SuiteError
from suite.store import Store

MARK = ".suite-site"
"""A file that says that a folder is a site of ours, so that another's folder is never replaced."""
STALE = 3600.0
"""Seconds after which what a killed render left behind is cleared away."""


def render(store: Store, out: Path, *, records: Store | None = None) -> Path:
    """Write the site for what is stored (and for published records beside it), in place of what was there.

    Gives the index page. Raises SuiteError if `out` is something else than a site or cannot be written.
    """
    out = out.resolve()
    _check(out)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        new = Path(tempfile.mkdtemp(prefix=_prefix(out), dir=out.parent))
    except OSError as error:
        raise SuiteError(
            f"cannot be written ({error.strerror})", where=str(out), fix="choose another with --out"
        ) from None
    try:
        write(store if records is None else Joined(store, records), new)
        _swap(new, out)
    finally:
        shutil.rmtree(new, ignore_errors=True)
    _clear(out)
    return out / "index.html"


def write(store: Store, folder: Path) -> None:
    """All files of the site into an empty folder."""
    folder.chmod(0o755)
    (folder / MARK).write_text("made by `suite render`, which replaces this folder\n", encoding="utf-8")
    environment = _environment()
    for item in site(store):
        file = folder / item.path
        file.parent.mkdir(parents=True, exist_ok=True)
        text = item.text if isinstance(item, File) else _page(environment, item)
        file.write_text(text, encoding="utf-8", errors="replace", newline="\n")
    _copy_static(folder / "static")


def _page(environment: Environment, page: Page) -> str:
    root = "../" * page.path.count("/")
    return environment.get_template(page.template).render(root=root, **page.values)


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("leaderboard"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters["passage"] = passage
    return environment


def _copy_static(folder: Path) -> None:
    folder.mkdir()
    for item in sorted(resources.files("leaderboard").joinpath("static").iterdir(), key=lambda item: item.name):
        if item.is_file():
            (folder / item.name).write_bytes(item.read_bytes())


def _check(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise SuiteError("is a file, not a folder", where=str(out), fix="choose another with --out")
    if out.is_dir() and any(out.iterdir()) and not (out / MARK).is_file():
        fix = "choose a new or empty folder with --out"
        raise SuiteError("is a folder that suite did not make, and would be replaced", where=str(out), fix=fix)


def _swap(new: Path, out: Path) -> None:
    """Put a folder in another's place. Another render may do the same at the same time: the last one stays."""
    old = new.with_name(new.name + "-old")
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


def _clear(out: Path) -> None:
    """Remove what killed renders left beside the site."""
    for left in out.parent.iterdir():
        try:
            if left.name.startswith(_prefix(out)) and left.is_dir() and time.time() - left.stat().st_mtime > STALE:
                shutil.rmtree(left, ignore_errors=True)
        except OSError:
            continue


def _prefix(out: Path) -> str:
    return f".{out.name}.part-"
