"""A board and its URLs that note each field when it is read, by a page, a section or a template."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from hashlib import sha256
from typing import Any, ClassVar, Final, TypeVar

from leaderboard.data.recorder import Recorder
from leaderboard.view.urls import TrackUrls
from suite.analysis.board import Board, Row

BOARD: Final = "track:board"
ROW: Final = "track:board/rows/"
"""Prefix of the name of a row's files."""
SELECTION: Final = "track:board/rows_where"
URLS: Final = "track:urls"
ALL: Final = "*"
"""Used in place of a key: all keys of a mapping."""
Note = Callable[[str], None]
Key = TypeVar("Key")


def recorded_urls(urls: TrackUrls, recorder: Recorder) -> TrackUrls:
    """The same URLs and board. `recorder` notes which of their fields are read during a recording."""
    board = urls.board
    rows = tuple(_recorded(RecordedRow, ROW + urls.files[row.experiments], vars(row), recorder) for row in board.rows)
    recorded_board = _recorded(RecordedBoard, BOARD, {**vars(board), "rows": rows}, recorder)
    recorder.current[BOARD] = FieldVersions({**vars(board), "rows": [row.experiments for row in board.rows]})
    recorder.current[SELECTION] = selections = Selections(board, _noting(SELECTION, recorder))
    recorded_board.__dict__["_selections"] = selections
    mappings = {
        "files": _keyed("files", urls.files, recorder),
        "tasks": _keyed("tasks", urls.tasks, recorder),
        "methods": _keyed("methods", urls.methods, recorder),
    }
    return _recorded(RecordedUrls, URLS, {**vars(urls), **mappings, "board": recorded_board}, recorder)


class _Recorded:
    """A dataclass that notes each field when it is read."""

    _fields: ClassVar[frozenset[str]] = frozenset()
    _note: Note

    def __getattribute__(self, name: str) -> Any:
        if name in type(self)._fields:
            self._note(name)
        return super().__getattribute__(name)


Kind = TypeVar("Kind", bound=_Recorded)


class RecordedRow(_Recorded, Row):
    """A row of the board."""

    _fields = frozenset(field.name for field in fields(Row))


class RecordedBoard(_Recorded, Board):
    """A board. Reading `rows` notes the list of rows; reads of a row's fields are noted under that row."""

    _fields = frozenset(field.name for field in fields(Board))
    _selections: Selections

    def rows_where(self, **values: object) -> tuple[Row, ...]:
        """The rows whose fields have these values. Notes which rows these are."""
        rows: tuple[Row, ...] = self.__dict__["rows"]
        return tuple(rows[index] for index in self._selections.indices(values))


class RecordedUrls(_Recorded, TrackUrls):
    """The URLs of a track. The names of files, tasks and methods are noted one by one."""

    _fields = frozenset({"slug", "shipped"})


class RecordedMapping(Mapping[Key, str]):
    """A mapping that notes each key that is read."""

    def __init__(self, values: Mapping[Key, str], note: Note) -> None:
        self._values, self._note = values, note

    def __getitem__(self, key: Key) -> str:
        self._note(repr(key))
        return self._values[key]

    def __iter__(self) -> Iterator[Key]:
        self._note(ALL)
        return iter(self._values)

    def __len__(self) -> int:
        self._note(ALL)
        return len(self._values)


class FieldVersions:
    """Versions (hashes) of values, by name."""

    def __init__(self, values: Mapping[str, object]) -> None:
        self._values = values
        self._versions: dict[str, str] = {}

    def get(self, part: str, /) -> str | None:
        """A value's version; None if there is no value of this name."""
        if part in self._values and part not in self._versions:
            self._versions[part] = _version(self._values[part])
        return self._versions.get(part)


class Selections:
    """Finds rows by the values of some fields. Each selection is noted as these fields and values."""

    def __init__(self, board: Board, note: Note) -> None:
        self._rows, self._note = board.rows, note
        self._indices: dict[str, dict[str, list[int]]] = {}

    def indices(self, values: Mapping[str, object]) -> list[int]:
        """The indices of the rows, in the board's order."""
        names, required = ",".join(values), repr([*values.values()])
        self._note(f"{names}={required}")
        return self._by_values(names).get(required, [])

    def get(self, part: str, /) -> str | None:
        """A selection's version, which depends on the rows in it; None if rows have no such fields."""
        names, _, required = part.partition("=")
        if not RecordedRow._fields.issuperset(names.split(",")):
            return None
        return _version([self._rows[index].experiments for index in self._by_values(names).get(required, [])])

    def _by_values(self, names: str) -> Mapping[str, list[int]]:
        """Indices of rows by their values in some fields."""
        if names not in self._indices:
            by_values: dict[str, list[int]] = {}
            for index, row in enumerate(self._rows):
                by_values.setdefault(repr([getattr(row, name) for name in names.split(",")]), []).append(index)
            self._indices[names] = by_values
        return self._indices[names]


def _recorded(kind: type[Kind], name: str, values: Mapping[str, object], recorder: Recorder) -> Kind:
    """An instance with these values; registers the versions of its fields with `recorder`."""
    recorder.current[name] = FieldVersions(values)
    instance = object.__new__(kind)  # a frozen dataclass rejects assignment
    instance.__dict__.update(values, _note=_noting(name, recorder))
    return instance


def _keyed(name: str, values: Mapping[Key, str], recorder: Recorder) -> RecordedMapping[Key]:
    name = f"{URLS}/{name}"
    recorder.current[name] = FieldVersions({ALL: list(values)} | {repr(key): value for key, value in values.items()})
    return RecordedMapping(values, _noting(name, recorder))


def _noting(name: str, recorder: Recorder) -> Note:
    return lambda part: recorder.note(part, (name,))


def _version(value: object) -> str:
    text = repr(sorted(value) if isinstance(value, frozenset) else value)
    return sha256(text.encode("utf-8", "replace")).hexdigest()[:32]
