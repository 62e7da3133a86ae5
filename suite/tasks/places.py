"""Find the files of a split: in a data folder, by a task's `data_files`, or in a local folder."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from suite.core.errors import SuiteError, did_you_mean
from suite.tasks.definition import TaskFile
from suite.tasks.files import SUFFIXES

FORMATS: Final = {"json": "json", "csv": "csv", "parquet": "parquet", "text": "text"}
"""`dataset_path` of lm-eval's local data -> reader of its files."""
OPTIONS: Final = {"json": frozenset({"field"}), "csv": frozenset({"sep", "delimiter"})}
"""Options of these formats that are supported here; tasks with other options use the package `datasets`."""
PLACE_OPTIONS: Final = frozenset({"data_files", "data_dir", "trust_remote_code"})
_KNOWN_AS: Final = {
    "train": ("train", "training"), "validation": ("validation", "valid", "dev", "val"),
    "test": ("test", "testing", "eval", "evaluation"),
}  # fmt: skip
"""Words in file names by which the package `datasets` recognises a split."""


def in_data_folder(folder: Path, split: str, task: TaskFile) -> Path:
    """`<split>.jsonl` in a data set's folder, or a file of another kind. Raises SuiteError with the splits that
    exist."""
    for suffix in SUFFIXES:
        file = folder / f"{split}{suffix}"
        if _is_there(file):
            return file
    have = sorted(each.name for each in folder.iterdir() if each.suffix in SUFFIXES)
    suffix = Path(have[0]).suffix if have else SUFFIXES[0]
    near = did_you_mean(split, {Path(name).stem for name in have})
    there = f"there are {', '.join(have)}; " if have else ""
    raise SuiteError(
        f"task '{task.name}' needs the split '{split}' of '{folder.name}', and {folder} has no {split}{suffix}",
        where=task.where(),
        fix=f"{there}{f'{near} ' if near.endswith('?') else ''}add {split}{suffix}, or name the split in the task as "
        "its file is named",
    )


def local_files(task: TaskFile, split: str) -> tuple[tuple[Path, ...], str | None, dict[str, Any]] | None:
    """Files of a split if `dataset_path` is a local format or folder, their kind, and options to read them.

    None if the package `datasets` has to find the rows: on the hub, at a URL, or with options that are not supported
    here. Raises SuiteError for missing files.
    """
    path = str(task.config.get("dataset_path"))
    options: Mapping[str, Any] = task.config.get("dataset_kwargs") or {}
    if path in FORMATS:
        more = {name: value for name, value in options.items() if name not in PLACE_OPTIONS}
        if not set(more) <= OPTIONS.get(path, frozenset()) or not _plain(options):
            return None
        if "delimiter" in more:
            more["sep"] = more.pop("delimiter")
        return _named(task, path, options, split), FORMATS[path], {name: str(value) for name, value in more.items()}
    folder = _folder(task, path)
    if folder is None:
        return None
    return _in_folder(task, folder, split), None, {}


def beside(task: TaskFile, path: str) -> list[Path]:
    """Candidates for a relative path of a task file: beside the file that names it, then in the working directory."""
    given = Path(path).expanduser()
    return [given] if given.is_absolute() else [task.base / given, given]


def resolved(task: TaskFile, value: Any) -> Any:
    """`data_files` with absolute paths for local files, for the package `datasets`."""
    if isinstance(value, Mapping):
        return {key: resolved(task, each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [resolved(task, each) for each in value]
    text = str(value)
    return next((str(each.resolve()) for each in beside(task, text) if _is_file(each)), text)


def _plain(options: Mapping[str, Any]) -> bool:
    """Whether no file is a URL or compressed."""
    names = [name for each in _by_split(options.get("data_files")).values() for name in each]
    return not any("://" in name or name.endswith((".gz", ".zip", ".xz", ".bz2", ".zst")) for name in names)


def _by_split(files: Any) -> dict[str, tuple[str, ...]]:
    """Split -> files, as the package `datasets` reads `data_files`: without splits, all are `train`."""
    if isinstance(files, Mapping):
        return {str(split): _each(names) for split, names in files.items()}
    return {"train": _each(files)} if files else {}


def _each(names: Any) -> tuple[str, ...]:
    return tuple(map(str, names)) if isinstance(names, (list, tuple)) else (str(names),)


def _named(task: TaskFile, path: str, options: Mapping[str, Any], split: str) -> tuple[Path, ...]:
    """The files of a split that `data_files` and `data_dir` name."""
    folder = str(options.get("data_dir") or "")
    files = _by_split(options.get("data_files"))
    if not files:
        found = _folder(task, folder) if folder else None
        if found is None:
            what = f"task '{task.name}' reads {path} files and names none"
            fix = "name them: `dataset_kwargs: {data_files: {train: train.jsonl, test: test.jsonl}}`"
            raise SuiteError(what, where=str(task.path), fix=fix)
        return _in_folder(task, found, split)
    if split not in files:
        what = f"task '{task.name}' needs the split '{split}', which its `data_files` lack"
        raise SuiteError(what, where=str(task.path), fix=f"they have: {', '.join(files) or 'none'}")
    return tuple(file for name in files[split] for file in _matching(task, Path(folder, name) if folder else name))


def _matching(task: TaskFile, name: str | Path) -> list[Path]:
    """The file of a name, or the files of a pattern. Raises SuiteError if there are none."""
    places = beside(task, str(name))
    for place in places:
        if _is_there(place):
            return [place.resolve()]
        if re.search(r"[*?\[]", str(name)):
            root = Path(place.anchor) if place.is_absolute() else Path()
            pattern = str(place.relative_to(root))
            try:
                found = sorted(each.resolve() for each in root.glob(pattern) if not each.is_dir())
            except (ValueError, NotImplementedError, IndexError, OSError, re.error):
                found = []
            if found:
                return found
    what = f"task '{task.name}' needs the data file {' or '.join(dict.fromkeys(str(place) for place in places))}"
    raise SuiteError(f"{what}, which is not there", where=str(task.path), fix="check `data_files`")


def _folder(task: TaskFile, path: str) -> Path | None:
    """The local folder of a `dataset_path`; None if it is not local. Raises SuiteError for a local path that does not
    exist."""
    places = beside(task, path)
    explicit = path.startswith((".", "~")) or Path(path).is_absolute()
    if task.builtin and not explicit:
        return None
    # a folder without data files may only share its name with a data set of the hub
    found = next((each for each in places if _is_dir(each) and (explicit or _holds_data(each))), None)
    if found is not None:
        return found.resolve()
    if explicit or any(map(_is_file, places)):
        what = f"task '{task.name}': there is no folder {' or '.join(str(place) for place in places)}"
        fix = "name a folder, or `dataset_path: json` with `dataset_kwargs: {data_files: …}`"
        raise SuiteError(what, where=str(task.path), fix=fix)
    return None


def _in_folder(task: TaskFile, folder: Path, split: str) -> tuple[Path, ...]:
    """Files of a split by their names: in a folder, in its `data/`, or in a subfolder with the split's name."""
    name = str(task.config.get("dataset_name") or "")
    if name and _is_dir(folder / name):
        folder = folder / name
    places = [place for place in (folder, folder / "data") if _is_dir(place)]
    files = [file for place in places for file in sorted(place.iterdir()) if file.suffix in SUFFIXES]
    found = [file for file in files if _of_split(file.name, split)]
    for place in places:
        if not found and _is_dir(place / split):
            found = [file for file in sorted((place / split).iterdir()) if file.suffix in SUFFIXES]
    kind = next((suffix for suffix in SUFFIXES if any(file.suffix == suffix for file in found)), None)
    if kind is None:
        what = f"task '{task.name}' needs the split '{split}', for which {folder} has no file"
        have = ", ".join(file.name for file in files[:12]) or "none"
        raise SuiteError(what, where=str(task.path), fix=f"its data files: {have}; add {split}.jsonl")
    return tuple(file.resolve() for file in found if file.suffix == kind)


def _holds_data(folder: Path) -> bool:
    return any(file.suffix in SUFFIXES for pattern in ("*", "*/*") for file in folder.glob(pattern))


def _of_split(name: str, split: str) -> bool:
    words: Iterable[str] = _KNOWN_AS.get(split, (split,))
    return any(re.match(rf"{re.escape(word)}(?![A-Za-z0-9])", name) for word in words)


def _is_there(path: Path) -> bool:
    """Whether a path exists and is not a folder; reading anything other than a file reports the error."""
    try:
        return path.exists() and not path.is_dir()
    except (OSError, ValueError):  # a name that no file can have
        return False


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that no file can have
        return False


def _is_dir(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False
