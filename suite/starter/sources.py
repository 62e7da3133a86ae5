"""Where the rows of a new workspace come from: a file, a folder of a file each split, or a data set of `datasets`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from suite.core.errors import SuiteError
from suite.core.hub import reason_of, unreachable
from suite.tasks.files import SUFFIXES, Placed, check_row, read_file

TRAIN, VALIDATION, TEST = "train", "validation", "test"
WHOLE: Final = ""
"""The split of rows that were not split yet."""
SPLIT_WORDS: Final[Mapping[str, str]] = {
    "train": TRAIN, "training": TRAIN, "validation": VALIDATION, "valid": VALIDATION, "val": VALIDATION,
    "dev": VALIDATION, "test": TEST, "testing": TEST, "eval": TEST, "evaluation": TEST,
}  # fmt: skip
"""What files, folders and cells call a split -> its name."""
SPLIT_COLUMN: Final = "split"
MOST: Final = 50_000
"""Rows of a split of the package `datasets` that are used: they may be millions."""
HUB_NAME: Final = re.compile(r"(?P<path>[\w.-]+/[\w.-]+)(:(?P<name>[\w.+-]+))?")
"""A data set on the hub, with the name of its configuration behind a colon."""


@dataclass(frozen=True)
class DataSource:
    """Rows as they were found."""

    name: str
    """What to call the task."""
    shown: str
    """Where the rows come from, for people."""
    splits: Mapping[str, tuple[Placed, ...]]
    """Split -> rows; `WHOLE` alone if they are not split."""
    notes: tuple[str, ...] = ()
    """What was done to them."""

    @property
    def rows(self) -> tuple[Placed, ...]:
        """The rows of all splits."""
        return tuple(row for rows in self.splits.values() for row in rows)

    @property
    def columns(self) -> tuple[str, ...]:
        """Every field that some row has, in the order of their first rows."""
        return tuple(dict.fromkeys(field for placed in self.rows for field in placed.row))


def read_source(text: str) -> DataSource:
    """The rows at a path, or of a data set on the hub. Raises SuiteError with file and row of the first fault."""
    path = Path(text).expanduser()
    if path.is_dir():
        source = _of_datasets(path) if _saved_by_datasets(path) else _folder(path)
    elif path.exists():
        source = _file(path)
    elif HUB_NAME.fullmatch(text):
        source = _hub(text)
    else:
        fix = "name a CSV, TSV, JSON or Parquet file, a folder with train.csv and test.csv, or org/name of the hub"
        raise SuiteError("there is no such file", where=f"--data {text}", fix=fix)
    for placed in source.rows:
        check_row(placed)
    if not source.rows:
        raise SuiteError("has no rows", where=source.shown, fix="name a file with a header and rows")
    return _by_column(source)


def _file(path: Path) -> DataSource:
    """A file. A CSV with semicolons and no comma in its header is read by these: many spreadsheets save it so."""
    by_semicolons = path.suffix.lower() == ".csv" and path.is_file() and _has_semicolons(path)
    rows = tuple(read_file(path, sep=";") if by_semicolons else read_file(path))
    notes = ("its cells are separated by semicolons",) if by_semicolons else ()
    return DataSource(_name(path.stem), str(path), {WHOLE: rows}, notes)


def _has_semicolons(path: Path) -> bool:
    with path.open("rb") as file:
        header = file.readline(10_000)
    return b";" in header and b"," not in header


def _folder(folder: Path) -> DataSource:
    """A file for each split. Raises SuiteError for a folder without one for training."""
    files = sorted(file for file in folder.iterdir() if file.suffix.lower() in SUFFIXES and file.is_file())
    by_split: dict[str, list[Path]] = {}
    for file in files:
        word = re.match(r"[a-z]+", file.stem.lower())
        split = SPLIT_WORDS.get(word[0]) if word else None
        if split is not None:
            by_split.setdefault(split, []).append(file)
    if TRAIN not in by_split:
        names = ", ".join(file.name for file in files[:12]) or "no data file"
        fix = f"it has {names}; name one file, or call them train.csv and test.csv"
        raise SuiteError("has no file for training", where=str(folder), fix=fix)
    several = next((split for split, found in by_split.items() if len(found) > 1), None)
    if several is not None:
        names = " and ".join(file.name for file in by_split[several])
        raise SuiteError(f"has several files of '{several}': {names}", where=str(folder), fix="keep one")
    rows = {split: tuple(read_file(found[0])) for split, found in by_split.items()}
    return DataSource(_name(folder.resolve().name), str(folder), _split(rows))


def _saved_by_datasets(folder: Path) -> bool:
    return any((folder / name).is_file() for name in ("dataset_dict.json", "state.json"))


def _of_datasets(folder: Path) -> DataSource:
    """What the package `datasets` saved on this disk."""
    import datasets

    try:
        loaded = datasets.load_from_disk(str(folder))
    except Exception as error:  # whatever a damaged file makes the library stumble over
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        fix = "save it again with save_to_disk"
        raise SuiteError(f"is no readable data set ({reason})", where=str(folder), fix=fix) from error
    return _unpacked(loaded, _name(folder.resolve().name), str(folder))


def _hub(text: str) -> DataSource:
    """A data set of the hub, or of its local cache."""
    found = HUB_NAME.fullmatch(text)
    assert found is not None
    try:
        unreachable()  # asked before the client retries for minutes
        import datasets

        loaded = datasets.load_dataset(found["path"], found["name"])
    except SuiteError:
        raise
    except Exception as error:  # no network, no such name, several configurations …
        what = f"is no file here, and cannot be had from the hub ({reason_of(error)})"
        fix = "check the path; a data set of several configurations is named org/name:configuration"
        raise SuiteError(what, where=f"--data {text}", fix=fix) from error
    return _unpacked(loaded, _name(found["path"].rpartition("/")[2]), text)


def _unpacked(loaded: Any, name: str, shown: str) -> DataSource:
    """A `DatasetDict` or a `Dataset` as rows; numbers that stand for the names of classes become these names."""
    tables = dict(loaded) if isinstance(loaded, dict) else {WHOLE: loaded}
    splits: dict[str, tuple[Placed, ...]] = {}
    named: dict[str, Sequence[str]] = {}
    notes: list[str] = []
    for given, table in tables.items():
        split = SPLIT_WORDS.get(given.lower(), given) if given else WHOLE
        classes = {column: getattr(feature, "names", None) for column, feature in table.features.items()}
        named |= {column: names for column, names in classes.items() if names}
        where = f"{shown} {given}".strip()
        if len(table) > MOST:
            notes.append(f"of {len(table):,} rows of {where} the first {MOST:,} are used")
            table = table.select(range(MOST))
        splits[split] = tuple(
            Placed(f"{where}: row {number}", _with_names(dict(row), named)) for number, row in enumerate(table, 1)
        )
    if len(tables) > 1 and TRAIN not in splits:
        raise SuiteError(f"has the splits {', '.join(tables)}, none of them for training", where=shown,
                         fix="save one of them alone, or call it train")  # fmt: skip
    notes += [f"'{column}' holds the names of its classes: {', '.join(names)}" for column, names in named.items()]
    return DataSource(name, shown, _split(splits), tuple(notes))


def _with_names(row: dict[str, Any], named: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """A row with the names of classes; −1 is a missing label."""
    for column, names in named.items():
        value = row.get(column)
        if isinstance(value, int):
            row[column] = names[value] if 0 <= value < len(names) else None
    return row


def _split(splits: Mapping[str, tuple[Placed, ...]]) -> dict[str, tuple[Placed, ...]]:
    """Rows as they are split, or whole where there is a training split alone."""
    known = {split: rows for split, rows in splits.items() if split in (TRAIN, VALIDATION, TEST) and rows}
    if TEST not in known and VALIDATION not in known:
        return {WHOLE: next(iter(known.values()), next(iter(splits.values())))}
    return known


def _by_column(source: DataSource) -> DataSource:
    """The rows by their column `split`, where it holds the names of splits and nothing else."""
    if set(source.splits) != {WHOLE} or SPLIT_COLUMN not in source.columns:
        return source
    words = [str(placed.row.get(SPLIT_COLUMN) or "").strip().lower() for placed in source.rows]
    if not set(words) <= set(SPLIT_WORDS):
        return source
    splits: dict[str, list[Placed]] = {}
    for word, placed in zip(words, source.rows, strict=True):
        row = {field: value for field, value in placed.row.items() if field != SPLIT_COLUMN}
        splits.setdefault(SPLIT_WORDS[word], []).append(Placed(placed.place, row))
    if TRAIN not in splits:
        return source
    rows = _split({split: tuple(found) for split, found in splits.items()})
    return DataSource(source.name, source.shown, rows, (*source.notes, "split by its column 'split'"))


def _name(text: str) -> str:
    """A name for a task: letters, digits, `_`, `.`, `+` and `-`."""
    plain = re.sub(r"[^A-Za-z0-9_.+-]+", "_", text).strip("_.+-")
    return plain[:60] or "mine"
