"""Find a task's rows: in a data folder, the bundled micro data, local files that the task names, or the hub."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any, Final

from suite.basics import DATA as BASICS
from suite.core.errors import SuiteError, did_you_mean
from suite.core.hub import reason_of, unreachable
from suite.tasks.checks import SLICE
from suite.tasks.definition import TaskFile
from suite.tasks.files import Placed, read_file
from suite.tasks.files import Row as Row
from suite.tasks.places import in_data_folder, local_files, resolved
from suite.tasks.split_rows import Rows as Rows
from suite.tasks.split_rows import rows_of_files
from suite.tickets import DATA as TICKETS

_SUITE: Final = Path(__file__).parents[1]
BUNDLED: Final = (_SUITE / "micro" / "data", _SUITE / "micro2" / "data", BASICS, TICKETS)
"""The rows that ship with the package: those of the two micro worlds, the basics and the tickets."""


@dataclass(frozen=True)
class DataLocations:
    """The folders that are searched for `<dataset>/<split>.jsonl` before bundled data, local files and the hub."""

    folders: tuple[Path, ...] = ()

    @classmethod
    def of(cls, folder: Path | None) -> DataLocations:
        """The locations of one data folder or none. Raises SuiteError if the folder does not exist."""
        if folder is not None and not folder.is_dir():
            raise SuiteError(f"there is no data folder '{folder}'", fix="check --data (or SUITE_DATA)")
        return cls((folder,) if folder else ())

    def find(self, dataset: str) -> Path | None:
        """The first folder of this data set, which is used for all its splits; None if there is none."""
        return next((each / dataset for each in (*self.folders, *BUNDLED) if (each / dataset).is_dir()), None)


def rows(task: TaskFile, split: str, locations: DataLocations) -> Rows:
    """The rows of a split, cut as in the task's `metadata.splits`.

    Raises SuiteError with the data set, the split and what exists instead, or with the line that is not a JSON object.
    """
    cut = str(task.metadata.get("splits", {}).get(split, split))
    found = SLICE.fullmatch(cut)
    stored, start, stop = found.groups() if found else (cut, None, None)
    low, high = int(start or 0), int(stop) if stop else None
    if task.sources:
        return _composed(task, stored, locations, low, high)
    drop = tuple(sorted(dict(task.metadata.get("drop", {})).items()))
    cutting = _Cut(low, high, drop, str(task.path) if drop else "")
    folder = locations.find(task.folder)
    if folder is not None:
        file = in_data_folder(folder, stored, task)
        return _local((_stamped(file),), None, (), cutting, f"{folder.name}/{file.name}")
    path = task.config.get("dataset_path")
    if not path:
        raise SuiteError(
            f"task '{task.name}' reads its rows from a folder '{task.folder}', and {_looked(locations)}",
            where=task.where(),
            fix=f"pass the folder that holds {task.folder}/ with --data (or SUITE_DATA); it has a file for each split, "
            "such as train.csv and test.csv (or .jsonl, .parquet)",
        )
    local = local_files(task, stored)
    if local is not None:
        files, kind, options = local
        source = " ".join(file.name for file in files) if len(files) < 4 else f"{files[0].name} … {files[-1].name}"
        return _local(tuple(map(_stamped, files)), kind, tuple(sorted(options.items())), cutting, source)
    options = dict(task.config.get("dataset_kwargs") or {})
    if "data_files" in options:
        options["data_files"] = resolved(task, options["data_files"])
    more = json.dumps(options, sort_keys=True, default=str)
    return _hub(str(path), task.config.get("dataset_name"), more, stored, cutting, task.folder)


def _looked(locations: DataLocations) -> str:
    """Where no folder was found."""
    named = [str(folder) for folder in locations.folders]
    return f"there is none in {' or '.join(named)}" if named else "no --data says where it is"


def _composed(task: TaskFile, split: str, locations: DataLocations, low: int, high: int | None) -> Rows:
    """Rows composed from other tasks' rows: their training rows for the training split, otherwise their reported
    rows."""
    from suite.tasks.routing_data import compose

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
    made = (Placed(f"{task.name}: row {number}", row) for number, row in enumerate(compose(task, split, docs), 1))
    cutting = _Cut(low, high)
    return Rows.of(f"{task.name}{cutting}", cutting(made))


def _written(value: Any) -> str:
    """A value in YAML notation, which distinguishes texts from numbers."""
    return json.dumps(value, ensure_ascii=False, default=str)


_Stamped = tuple[Path, int, int]


def _stamped(file: Path) -> _Stamped:
    """A file with its size and modification time, so that a changed file is read again."""
    stat = file.stat()
    return file, stat.st_size, stat.st_mtime_ns


@lru_cache(maxsize=64)
def _local(
    files: tuple[_Stamped, ...], kind: str | None, options: tuple[tuple[str, str], ...], cutting: _Cut, source: str
) -> Rows:
    """Rows of local files, one file after another."""

    def read() -> tuple[Placed, ...]:
        return cutting(row for file, *_ in files for row in read_file(file, kind, **dict(options)))

    paths, settings = [file for file, *_ in files], (kind, options, astuple(cutting))
    return rows_of_files(paths, f"{source}{cutting}", settings, read)


@lru_cache(maxsize=64)
def _hub(path: str, name: str | None, options: str, split: str, cutting: _Cut, folder: str) -> Rows:
    """Rows from the hub or its local cache. A bounded cut is streamed, to avoid downloading 40 million rows for
    3,000."""
    source = " ".join(str(part) for part in (path, name, split) if part)
    kwargs = {key: value for key, value in json.loads(options).items() if key != "trust_remote_code"}
    try:
        unreachable()  # checked before the client retries for minutes
        import datasets

        stored = datasets.load_dataset(path, name, split=split, streaming=cutting.high is not None, **kwargs)
        found = (Placed(f"{source}: row {number}", dict(row)) for number, row in enumerate(stored, 1))
        return Rows.of(f"{source}{cutting}", cutting(found))
    except SuiteError:
        raise
    except Exception as error:  # the hub's client raises dozens of kinds: no network, no such name, no such split …
        raise SuiteError(
            f"cannot get '{source}' from the hub ({reason_of(error)})",
            fix=f"put {folder}/{split}.jsonl into a folder and pass the folder with --data (or SUITE_DATA), or connect",
        ) from error


@dataclass(frozen=True)
class _Cut:
    """The part of a split's rows that is used."""

    low: int = 0
    high: int | None = None
    drop: tuple[tuple[str, Any], ...] = ()
    """Fields and values; rows with such a value are dropped."""
    task: str = ""
    """The task file that sets `drop`."""

    def __call__(self, found: Iterable[Placed]) -> tuple[Placed, ...]:
        """The rows that are used. Raises SuiteError if no row has a field of `drop`, or if its values have another
        type."""
        fields: set[str] = set()

        def kept() -> Iterator[Placed]:
            for each in found:
                fields.update(each.row if self.drop else ())
                if not any(self._dropped(each, field, value) for field, value in self.drop):
                    yield each

        rows = tuple(islice(kept(), self.low, self.high))
        missing = next((field for field, _ in self.drop if fields and field not in fields), None)
        if missing is not None:
            what = f"metadata.drop: no row has the field '{missing}'"
            raise SuiteError(what, where=self.task, fix=did_you_mean(missing, fields))
        return rows

    def _dropped(self, each: Placed, field: str, value: Any) -> bool:
        found = each.row.get(field)
        same_type = all(isinstance(found, kind) == isinstance(value, kind) for kind in (str, bool))
        if same_type or found is None or isinstance(found, (list, dict)):
            return bool(found == value)
        if found == value or str(found).strip().casefold() == str(value).strip().casefold():
            what = f"metadata.drop: drops {_written(value)}, and '{field}' is {_written(found)} ({each.place})"
            raise SuiteError(what, where=self.task, fix=f"write `drop: {{{field}: {_written(found)}}}`")
        return False

    def __str__(self) -> str:
        if not self.low and self.high is None:
            return ""
        return f"[{self.low or ''}:{'' if self.high is None else self.high}]"
