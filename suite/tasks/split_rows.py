"""The rows of a split. They are read when someone looks at them; what a plan needs to know of them is cached."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from suite.core.code_key import code_key
from suite.core.errors import SuiteError
from suite.core.hashing import file_hash, fingerprint
from suite.core.user_cache import cached, keep
from suite.tasks.files import Placed, Row, check_row

CACHED: Final = "rows"
"""The kind of cached values: `RowFacts` of a split."""
SAMPLE: Final = 200
"""The rows whose words are counted."""
_ENCODER: Final = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)
"""Shared, because `json.dumps` would make one for each row."""


@dataclass(frozen=True)
class RowFacts:
    """What a plan needs to know of a split's rows."""

    content_hash: str
    """SHA-256 of all rows: equal for rows from a folder and from the hub."""
    places_hash: str
    """SHA-256 of the rows' locations."""
    count: int
    mean_words: float
    """Mean number of words in a row, over the first `SAMPLE`."""

    @classmethod
    def of(cls, rows: Sequence[Placed]) -> RowFacts:
        """Facts of rows. Raises SuiteError for a row that cannot be used."""
        digest = sha256()
        for each in rows:
            check_row(each)
            digest.update(_ENCODER.encode(each.row).encode() + b"\n")
        places = "\n".join(each.place for each in rows).encode("utf-8", "surrogatepass")
        counts = [len(_text(each.row).split()) for each in rows[:SAMPLE]]
        return cls(digest.hexdigest(), sha256(places).hexdigest(), len(rows), sum(counts) / len(counts))


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows of a split, in fixed order. They are shared and must not be changed."""

    source: str
    """Source for messages: `rte/train.jsonl` or `aps/super_glue rte train`."""
    facts: RowFacts
    read: Callable[[], Sequence[Placed]]
    """Read the rows. Raises SuiteError if they are not those of `facts` any more."""

    @classmethod
    def of(cls, source: str, rows: Sequence[Placed]) -> Rows:
        """Rows that were read. Raises SuiteError for a row that cannot be used, or if there is none."""
        if not rows:
            what = f"there are no rows in {source}"
            raise SuiteError(what, fix="check the file, and `metadata.splits` of the task")
        return cls(source, RowFacts.of(rows), lambda: rows)

    @property
    def content_hash(self) -> str:
        """SHA-256 of all rows."""
        return self.facts.content_hash

    @cached_property
    def docs(self) -> tuple[Row, ...]:
        """The rows."""
        return tuple(each.row for each in self._placed)

    @cached_property
    def _placed(self) -> Sequence[Placed]:
        return self.read()

    def __len__(self) -> int:
        return self.facts.count

    def place(self, index: int) -> str:
        """Location of a row for messages: `FILE:LINE`, or `FILE: row N` in Parquet and arrays."""
        return self._placed[index].place


def rows_of_files(
    files: Sequence[Path], source: str, settings: Sequence[object], read: Callable[[], Sequence[Placed]]
) -> Rows:
    """Rows that `read` reads from files; they are read now only if the cache does not know files with this content.

    `settings` are all else that the rows depend on. Raises SuiteError for a row that cannot be used, or if there is
    none.
    """
    contents = _content_hashes(files)
    if contents is None:  # a missing file, or a pipe: reading says so
        return Rows.of(source, read())
    names = [str(file) for file in files]
    key = fingerprint([code_key(), names, contents, source, list(settings)], 32)
    before = cached(CACHED, key)
    if before is None:
        rows = Rows.of(source, read())
        if _content_hashes(files) == contents:  # nobody wrote meanwhile
            keep(CACHED, key, json.dumps(asdict(rows.facts)).encode())
        return rows
    facts = RowFacts(**json.loads(before))

    def unchanged() -> Sequence[Placed]:
        found = read()
        if RowFacts.of(found) != facts:
            raise SuiteError("has changed since the run began", where=", ".join(names), fix="run it again")
        return found

    return Rows(source, facts, unchanged)


def _content_hashes(files: Sequence[Path]) -> list[str] | None:
    """SHA-256 of each file; None if one cannot be read."""
    try:
        return [file_hash(file) for file in files]
    except OSError:
        return None


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return " ".join(_text(item) for item in value.values())
    if isinstance(value, (list, tuple)):
        return _text(value[0]) if value else ""
    return str(value)
