"""Where a task's rows come from: a data folder, then the bundled micro data, then the hub."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import islice
from pathlib import Path
from typing import Any, Final

from suite.errors import SuiteError
from suite.tasks.checks import SLICE
from suite.tasks.definition import TaskFile

Row = dict[str, Any]

BUNDLED: Final = Path(__file__).parents[1] / "micro" / "data"
"""The micro world's rows, which come with the package."""

IDENTIFIERS: Final = frozenset({"idx", "id", "_id", "uid", "qId", "question_id", "gem_id", "task_id", "answerKey"})
"""Fields that name a row, or the place of a choice, and are no part of its content."""


@dataclass(frozen=True)
class DataLocations:
    """The folders in which `<dataset>/<split>.jsonl` is looked for, before the bundled one and the hub."""

    folders: tuple[Path, ...] = ()

    @classmethod
    def of(cls, folder: Path | None) -> DataLocations:
        """One data folder, or none. Raises SuiteError if it is not there."""
        if folder is not None and not folder.is_dir():
            raise SuiteError(f"there is no data folder '{folder}'", fix="check --data (or SUITE_DATA)")
        return cls((folder,) if folder else ())

    def find(self, dataset: str) -> Path | None:
        """The first folder of this data set; it answers for all its splits."""
        return next((each / dataset for each in (*self.folders, BUNDLED) if (each / dataset).is_dir()), None)


@dataclass(frozen=True)
class Rows:
    """Rows of a split, in their fixed order. They are shared, so nobody may change one."""

    docs: tuple[Row, ...]
    source: str
    """Where they come from, for people: `rte/train.jsonl` or `aps/super_glue rte train`."""
    content_hash: str
    """The SHA-256 of all rows: the same from a folder and from the hub."""

    @cached_property
    def hashes(self) -> tuple[str, ...]:
        """`row_hash` of each row."""
        return tuple(row_hash(row) for row in self.docs)


def rows(task: TaskFile, split: str, locations: DataLocations) -> Rows:
    """The rows of a split, cut as the task's `metadata.splits` says.

    Raises SuiteError naming the data set, the split and what is there instead, or the line that is no JSON object.
    """
    cut = str(task.metadata.get("splits", {}).get(split, split))
    found = SLICE.fullmatch(cut)
    stored, start, stop = found.groups() if found else (cut, None, None)
    low, high = int(start or 0), int(stop) if stop else None
    if task.sources:
        return _composed(task, stored, locations, low, high)
    drop = tuple(sorted(dict(task.metadata.get("drop", {})).items()))
    folder = locations.find(task.folder)
    if folder is not None:
        file = _file(folder, stored, task)
        stat = file.stat()
        return _local(file, stat.st_size, stat.st_mtime_ns, low, high, drop)
    path = task.config.get("dataset_path")
    if not path:
        raise SuiteError(
            f"task '{task.name}' needs the data folder '{task.folder}', which is nowhere",
            fix=f"put {task.folder}/{stored}.jsonl into a folder and name that with --data (or SUITE_DATA)",
        )
    options = tuple(sorted(dict(task.config.get("dataset_kwargs") or {}).items()))
    return _hub(str(path), task.config.get("dataset_name"), options, stored, low, high, drop, task.folder)


def _composed(task: TaskFile, split: str, locations: DataLocations, low: int, high: int | None) -> Rows:
    """Rows made of other tasks' rows: the training rows of each for the training split, else the reported ones."""
    from suite.tasks.composed import compose

    def docs(source: TaskFile) -> tuple[Sequence[Row], str]:
        wanted = source.training_split if split == task.training_split else source.reported_split
        if wanted is None:
            raise SuiteError(f"task '{source.name}' has no training split, and '{task.name}' is made of it")
        found = rows(source, wanted, locations)
        return found.docs, found.content_hash

    if split not in task.sources:
        raise SuiteError(
            f"task '{task.name}' has no rows for '{split}'", where=str(task.path), fix="add it to `made_of`"
        )
    return _made(compose(task, split, docs)[low:high], task.name, low, high)


def row_hash(row: Mapping[str, Any]) -> str:
    """The SHA-256 of a row's content: rows that differ in ids, or in the order of their choices, are the same row."""
    content = {key: _unordered(value) for key, value in row.items() if key not in IDENTIFIERS}
    return hashlib.sha256(_text(content).encode()).hexdigest()


def _unordered(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _unordered(each) for key, each in value.items()}
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return sorted(value)
    return value


_ENCODER: Final = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)
"""Made once: `json.dumps` would make one for each row."""


def _text(value: Any) -> str:
    return _ENCODER.encode(value)


def _file(folder: Path, split: str, task: TaskFile) -> Path:
    file = folder / f"{split}.jsonl"
    if not file.is_file():
        there = ", ".join(sorted(each.stem for each in folder.glob("*.jsonl"))) or "none"
        raise SuiteError(
            f"task '{task.name}' needs the split '{split}' of '{folder.name}', which {folder} lacks",
            fix=f"it has: {there}; add {split}.jsonl, or choose a task that is made of the splits that are there",
        )
    return file


@lru_cache(maxsize=64)
def _local(file: Path, size: int, modified: int, low: int, high: int | None, drop: tuple[tuple[str, Any], ...]) -> Rows:
    """Rows of a file; its size and time of change are part of the cache's key."""
    kept = (row for row in _read(file) if _keeps(row, drop))
    return _made(tuple(islice(kept, low, high)), f"{file.parent.name}/{file.name}", low, high)


def _read(file: Path) -> list[Row]:
    """Every line as an object. Raises SuiteError with the file and the number of the first line that is none."""
    found: list[Row] = []
    try:
        text = file.read_bytes().decode("utf-8").removesuffix("\n")
    except UnicodeDecodeError as error:
        at = error.object[: error.start].count(b"\n") + 1
        raise SuiteError("is not UTF-8 text", where=f"{file}:{at}", fix="save the file as UTF-8") from None
    for number, line in enumerate(text.split("\n") if text else (), 1):
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            row, reason = None, f" ({error.msg}, column {error.colno})"
        else:
            reason = ""
        if not isinstance(row, dict):
            raise SuiteError(f"not a JSON object{reason}", where=f"{file}:{number}", fix="write one object a line")
        found.append(row)
    return found


@lru_cache(maxsize=64)
def _hub(
    path: str, name: str | None, options: tuple[tuple[str, Any], ...], split: str,
    low: int, high: int | None, drop: tuple[tuple[str, Any], ...], folder: str,
) -> Rows:  # fmt: skip
    """Rows from the hub or its local cache. A bounded cut is streamed: nobody fetches 40 million rows for 3,000."""
    source = " ".join(part for part in (path, name, split) if part)
    kwargs = {key: value for key, value in options if key != "trust_remote_code"}
    try:
        import datasets

        stored = datasets.load_dataset(path, name, split=split, streaming=high is not None, **kwargs)
        docs = tuple(islice((dict(row) for row in stored if _keeps(row, drop)), low, high))
    except Exception as error:  # the hub's client raises dozens of kinds: no network, no such name, no such split …
        reason = f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else 'no reason'}"
        raise SuiteError(
            f"cannot get '{source}' from the hub ({reason[:200]})",
            fix=f"put {folder}/{split}.jsonl into a folder and name that with --data (or SUITE_DATA), or connect",
        ) from error
    return _made(docs, source, low, high)


def _keeps(row: Mapping[str, Any], drop: tuple[tuple[str, Any], ...]) -> bool:
    return not any(row.get(field) == value for field, value in drop)


def _made(docs: tuple[Row, ...], source: str, low: int, high: int | None) -> Rows:
    cut = f"[{low or ''}:{'' if high is None else high}]" if low or high is not None else ""
    if not docs:
        raise SuiteError(f"there are no rows in {source}{cut}", fix="check the file, and `metadata.splits` of the task")
    digest = hashlib.sha256()
    for row in docs:
        digest.update(_text(row).encode() + b"\n")
    return Rows(docs, source + cut, digest.hexdigest())
