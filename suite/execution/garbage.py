"""Files of a home that nothing refers to any more: finds them, and deletes them beside runs that go on."""

from __future__ import annotations

import re
import secrets
import shutil
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, Literal

from suite.core.disk import bytes_in
from suite.core.errors import SuiteError, remedy
from suite.core.run_dir import RunDir
from suite.results.store import StepReferences, Store

Kind = Literal["artifacts", "checkpoints", "answers", "SVD factors", "temporary files"]
STALE_SECONDS: Final = 3600.0
"""Temporary files that belong to no step are left alone until nobody has written to them for so long."""
_STEP: Final = re.compile(r"[0-9a-f]{16}")
_TEMPORARY: Final = re.compile(r"\.([0-9a-f]{16})\.[0-9a-f]{8}\.(new|old)")

References = Mapping[str, StepReferences]


@dataclass(frozen=True)
class GarbageItem:
    """A file or a folder that nothing refers to."""

    kind: Kind
    why: str
    path: Path
    bytes: int
    step: str | None = None
    """The step whose attempts use it; None: it belongs to no step."""


def find_garbage(
    store: Store, home: RunDir, deleted: Mapping[str, str], *, caches: bool = False
) -> tuple[GarbageItem, ...]:
    """All files of the home that nothing refers to, in a fixed order.

    `deleted` are steps whose artifact is marked as deleted, or would be, and why. With `caches`, SVD factors of models
    in use are found, too.
    """
    factors = _entries(home.factors)  # before the models are read: a run may begin with another one meanwhile
    models = frozenset() if caches else store.models_with("singular")
    references = store.references()
    return (
        *_artifacts(home, references, deleted), *_work(home, references), *_answers(home, references),
        *_factors(factors, {home.factors_of(model).name for model in models}, caches), *_temporary(home),
    )  # fmt: skip


def delete_garbage(store: Store, items: Sequence[GarbageItem]) -> tuple[GarbageItem, ...]:
    """Delete files and folders, and return those that were deleted: a step that runs by now keeps its own.

    Raises SuiteError if one cannot be deleted.
    """
    return tuple(item for item in items if _delete(store, item))


def _delete(store: Store, item: GarbageItem) -> bool:
    """Rename, then delete: to delete a large folder takes a while, and a half of one is no artifact."""
    away = _root(item).with_name(f".{item.step or item.path.name}.{secrets.token_hex(4)}.old")
    try:
        if item.step is None:
            _rename(item.path, away)
        elif not store.discard(item.step, _USES[item.kind], partial(_rename, item.path, away)):
            return False
        return _removed(away)
    except OSError as error:
        what = f"cannot be deleted ({error.strerror})"
        raise SuiteError(what, where=str(item.path), fix=remedy(error.errno)) from error


_USES: Final[Mapping[Kind, Callable[[StepReferences], bool]]] = {
    "artifacts": lambda step: step.needs_artifact,
    "checkpoints": lambda step: step.needs_work,
    "answers": lambda step: step.needs_work,
    "temporary files": lambda step: step.running,
}


def _root(item: GarbageItem) -> Path:
    """The item, or the folder of its step that it is in."""
    return item.path.parent if item.path.parent.name == item.step else item.path


def _rename(path: Path, new: Path) -> None:
    with suppress(FileNotFoundError):  # another process was first
        path.rename(new)


def _removed(path: Path) -> bool:
    """Delete a file, a link or a folder. Returns whether it was there."""
    there = path.is_symlink() or path.exists()
    if path.is_symlink() or path.is_file():
        path.unlink(missing_ok=True)
    while path.is_dir():
        with suppress(FileNotFoundError):  # another process deletes it, too
            shutil.rmtree(path)
    return there


def _artifacts(home: RunDir, references: References, deleted: Mapping[str, str]) -> Iterator[GarbageItem]:
    for entry in _entries(home.artifacts):
        if _STEP.fullmatch(entry.name):
            of_step = references.get(entry.name)
            if of_step is None:
                yield _item("artifacts", "their steps were removed", entry, entry.name)
            elif entry.name in deleted and not of_step.running:
                yield _item("artifacts", deleted[entry.name], entry, entry.name)
            elif not of_step.needs_artifact:
                yield _item("artifacts", "no result belongs to them", entry, entry.name)
    yield from _interrupted(home.artifacts, references)


def _work(home: RunDir, references: References) -> Iterator[GarbageItem]:
    for entry in _entries(home.work_folder):
        of_step = references.get(entry.name)
        if not _STEP.fullmatch(entry.name):
            continue
        if of_step is None:
            yield _item("checkpoints", "their steps were removed", entry, entry.name)
        elif not of_step.needs_work:
            why = "their steps are done" if of_step.in_experiment else "their steps were replaced"
            yield _item("checkpoints", why, entry, entry.name)
        elif not of_step.running:
            for part in _entries(entry):
                if part.suffix == ".part":
                    yield _item("temporary files", "of killed processes", part, entry.name)
    yield from _interrupted(home.work_folder, references)


def _answers(home: RunDir, references: References) -> Iterator[GarbageItem]:
    for entry in _entries(home.answers):
        _, step, *rest = (*entry.name.split("."), "")
        of_step = references.get(step)
        if not rest or not _STEP.fullmatch(step):
            continue
        if of_step is None or not of_step.needs_work:
            yield _item("answers", "their steps are done or removed", entry, step)
        elif entry.suffix == ".part" and not of_step.running:
            yield _item("temporary files", "of killed processes", entry, step)


def _factors(entries: Sequence[Path], in_use: Collection[str], caches: bool) -> Iterator[GarbageItem]:
    for entry in entries:
        if _TEMPORARY.fullmatch(entry.name):
            yield _item("temporary files", "of killed processes", entry)
        elif not entry.is_dir():
            yield _item("SVD factors", "of an older version", entry)
        elif caches or entry.name not in in_use:
            yield _item("SVD factors", "a cache (--caches)" if caches else "no expert of their model is stored", entry)
        else:
            for part in _entries(entry):
                if part.suffix == ".part" and _is_stale(part):
                    yield _item("temporary files", "of killed processes", part)


def _temporary(home: RunDir) -> Iterator[GarbageItem]:
    """Databases that were begun and not finished."""
    for entry in _entries(home.folder):
        if re.fullmatch(r"\.suite\.db\.[0-9a-f]{8}\.new(-\w+)?", entry.name) and _is_stale(entry):
            yield _item("temporary files", "of killed processes", entry)


def _interrupted(folder: Path, references: References) -> Iterator[GarbageItem]:
    """Folders that a process began to write or to delete."""
    for entry in _entries(folder):
        match = _TEMPORARY.fullmatch(entry.name)
        of_step = references.get(match[1]) if match else None
        if match and (of_step is None or not of_step.running):
            yield _item("temporary files", "of killed processes", entry, match[1])


def _item(kind: Kind, why: str, path: Path, step: str | None = None) -> GarbageItem:
    return GarbageItem(kind, why, path, bytes_in(path), step)


def _entries(folder: Path) -> list[Path]:
    """What is in a folder, by name. Empty without one."""
    try:
        return sorted(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        what = f"cannot be read ({error.strerror})"
        raise SuiteError(what, where=str(folder), fix=remedy(error.errno)) from error


def _is_stale(file: Path) -> bool:
    try:
        return time.time() - file.lstat().st_mtime > STALE_SECONDS
    except OSError:
        return False
