"""Many records of a track in one file: they share most of their texts and hashes, so it is a twentieth of their size.

A bundle (`<track>.jsonl.xz`) is a compressed text. Its first line names its records, so that they can be listed without
reading them; each further line is one record.
"""

from __future__ import annotations

import json
import lzma
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from suite.core.errors import SuiteError
from suite.core.hashing import canonical
from suite.core.regular import NotRegular, open_regular

SUFFIX: Final = ".jsonl.xz"
VERSION: Final = 1
MAX_RECORDS: Final = 10_000
WINDOW: Final = 64 << 20
"""Bytes in which repeated texts are found: about two dozen records. Reading takes as much memory."""
MAX_HEADER: Final = 4_000_000
"""Maximum number of bytes of the first line."""


@dataclass(frozen=True, order=True)
class RecordName:
    """Which experiment a record is of."""

    track: str
    name: str
    seed: int
    variant: str
    """The first 8 characters of the variant's hash."""

    @classmethod
    def of(cls, experiment: Any) -> RecordName:
        """The name of an experiment's record."""
        return cls(experiment.track, experiment.name, experiment.seed, str(experiment.spec["variant"])[:8])


def pack(names: Sequence[RecordName], records: Sequence[str]) -> bytes:
    """A bundle of these records (canonical texts without line breaks), in this order."""
    header = {"bundle": VERSION, "records": [[name.track, name.name, name.seed, name.variant] for name in names]}
    packer = lzma.LZMACompressor(filters=[{"id": lzma.FILTER_LZMA2, "preset": 6, "dict_size": WINDOW}])
    parts = [packer.compress(f"{line}\n".encode()) for line in (canonical(header), *records)]
    return b"".join([*parts, packer.flush()])


def names_in(file: Path) -> tuple[RecordName, ...]:
    """The records that a bundle has. Raises SuiteError for a file that is none."""
    with _opened(file) as stream:
        return _header(file, stream)


def lines_in(file: Path, limit: int) -> Iterator[tuple[RecordName, str]]:
    """Each record's name and text. Raises SuiteError for a bundle that is damaged, or a record longer than `limit`."""
    with _opened(file) as stream:
        for name in _header(file, stream):
            line = _line(file, stream, limit)
            if not line:
                raise _damaged(file, f"ends before {name.name}, seed {name.seed}")
            yield name, line
        if _line(file, stream, limit):
            raise _damaged(file, "has more records than its first line names")


@contextmanager
def _opened(file: Path) -> Iterator[lzma.LZMAFile]:
    try:
        packed = open_regular(file)
    except OSError as error:
        fix = NotRegular.FIX if isinstance(error, NotRegular) else ""
        raise SuiteError(f"cannot be read ({error.strerror or error})", where=str(file), fix=fix) from None
    with packed, lzma.LZMAFile(packed) as stream:
        yield stream


def _header(file: Path, stream: lzma.LZMAFile) -> tuple[RecordName, ...]:
    line = _line(file, stream, MAX_HEADER)
    try:
        header = json.loads(line)
        version, named = header["bundle"], header["records"]
        names = tuple(RecordName(str(track), str(name), int(seed), str(kind)) for track, name, seed, kind in named)
    except (ValueError, TypeError, KeyError, RecursionError):
        raise SuiteError(
            "is not a bundle of records", where=str(file), fix="`suite export --bundle` writes one"
        ) from None
    if version != VERSION:
        what = f"is a bundle of version {str(version)[:20]!r}, and this one knows {VERSION}"
        raise SuiteError(what, where=str(file), fix="upgrade finetune-suite")
    if len(names) > MAX_RECORDS:
        raise SuiteError(f"has more than {MAX_RECORDS:,} records", where=str(file))
    return names


def _line(file: Path, stream: lzma.LZMAFile, limit: int) -> str:
    """The next line without its end; empty at the end of the file."""
    try:
        data = stream.readline(limit + 1)
        text = data.decode()
    except (lzma.LZMAError, EOFError, OSError) as error:
        raise _damaged(file, f"cannot be decompressed ({error})") from None
    except UnicodeDecodeError:
        raise _damaged(file, "is not UTF-8 text") from None
    if len(data) > limit:
        raise SuiteError(f"has a line longer than {limit // 1_000_000} MB", where=str(file))
    return text.removesuffix("\n")


def _damaged(file: Path, what: str) -> SuiteError:
    return SuiteError(what, where=str(file), fix="get it again from where it was made")
