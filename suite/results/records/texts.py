"""The texts of records in a file: one, or the many of a bundle."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path

from suite.core.errors import SuiteError
from suite.core.regular import NotRegular, open_regular
from suite.results.record_bundles import SUFFIX, RecordName, lines_in
from suite.results.records.schema import MAX_BYTES


def record_texts(file: Path) -> Iterator[tuple[str, RecordName | None, str]]:
    """For each record: where it stands, for messages, its name if the file says it, and its text.

    Raises SuiteError for a file that cannot be read.
    """
    if not file.name.endswith(SUFFIX):
        yield str(file), None, _text(file)
        return
    for name, text in lines_in(file, MAX_BYTES):
        yield f"{file}: {name.name}, seed {name.seed}", name, text


def _text(file: Path) -> str:
    """A file's text, decompressed up to a limit: a small file may decompress to more than fits into memory."""
    try:
        with open_regular(file) as stream:
            packed = stream.read(2) == b"\x1f\x8b"
            stream.seek(0)
            data = (gzip.GzipFile(fileobj=stream) if packed else stream).read(MAX_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        fix = NotRegular.FIX if isinstance(error, NotRegular) else ""
        what = f"cannot be read ({getattr(error, 'strerror', None) or error})"
        raise SuiteError(what, where=str(file), fix=fix) from None
    if len(data) > MAX_BYTES:
        raise SuiteError(f"is longer than {MAX_BYTES // 1_000_000} MB", where=str(file))
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise SuiteError("is not UTF-8 text", where=str(file)) from None
