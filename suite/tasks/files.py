"""Read rows of a data file: JSON lines, a JSON array, CSV, TSV, Parquet or plain text; each row with its location."""

from __future__ import annotations

import codecs
import csv
import io
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from suite.core.errors import SuiteError
from suite.core.regular import open_regular

Row = dict[str, Any]

SUFFIXES: Final = (".jsonl", ".json", ".ndjson", ".csv", ".tsv", ".parquet")
"""Suffixes of a data folder's files; if a split has several files, the first suffix wins."""

MAX_DEPTH: Final = 64
OTHER_SEPARATORS: Final = ";\t|"
"""What separates columns in files that are called CSV, besides the comma."""
_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip
"""UTF-32 before UTF-16, because one mark begins with the other."""
_LINE_END: Final = re.compile(r"\r\n|\n|\r")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


class Placed(NamedTuple):
    """A row and its location."""

    place: str
    """`FILE:LINE` for JSON lines, CSV and texts, `FILE: row N` for Parquet and arrays."""
    row: Row


def read_file(file: Path, kind: str | None = None, **options: Any) -> list[Placed]:
    """All rows of a file, in order. `kind` is the suffix without the dot, if the file name does not have it.

    `options`: `field` (JSON: the key of the rows), `sep` (CSV). Raises SuiteError with the file and the line or row of
    the first fault.
    """
    read = _READERS.get(kind or file.suffix.lower().removeprefix("."))
    if read is None:
        known = ", ".join(sorted(_READERS))
        raise SuiteError("is no kind of data file that is known here", where=str(file), fix=f"known: {known}")
    try:
        with open_regular(file) as stream:
            data = stream.read()
    except OSError as error:
        raise SuiteError(f"cannot be read ({error.strerror or error})", where=str(file)) from None
    return list(read(file, data, **options))


def _json(file: Path, data: bytes, field: str | None = None) -> Iterator[Placed]:
    """JSON rows: one object a line, or one array of objects in the whole file."""
    text = _decoded(file, data)
    if field is not None:
        whole = _parsed(text, str(file))
        if not isinstance(whole, Mapping) or field not in whole:
            raise SuiteError(f"has no key '{field}' at its top", where=str(file), fix="check `field`")
        yield from _array(file, whole[field])
    elif text.lstrip().startswith("["):
        yield from _array(file, _parsed(text, str(file)))
    else:
        lines = [(f"{file}:{number}", line) for number, line in enumerate(_LINE_END.split(text), 1) if line.strip()]
        for place, line in lines:
            row = _object(_parsed(line, place), place, "write one object a line")
            if len(lines) == 1 and file.suffix.lower() == ".json" and _columns(row):
                fix = 'write the rows: one object a line, as in `{"text": "a", "label": "A"}`'
                raise SuiteError("holds columns, not rows", where=place, fix=fix)
            yield Placed(place, row)


def _columns(row: Row) -> bool:
    """Whether an object is a table by columns: lists of equal length, or mappings with equal keys, with several
    rows."""
    values = list(row.values())
    lists = all(isinstance(value, list) for value in values)
    if not lists and not all(isinstance(value, dict) for value in values):
        return False
    shapes = {len(value) if lists else tuple(value) for value in values}
    return len(shapes) == 1 and len(values[0]) > 1


def _array(file: Path, values: Any) -> Iterator[Placed]:
    if not isinstance(values, list):
        raise SuiteError("is not an array of objects", where=str(file), fix="write one object a line")
    for number, value in enumerate(values, 1):
        place = f"{file}: row {number}"
        yield Placed(place, _object(value, place, "an array holds objects"))


def _object(value: Any, place: str, fix: str) -> Row:
    if not isinstance(value, dict):
        raise SuiteError("not a JSON object", where=place, fix=fix)
    return value


def _parsed(text: str, place: str) -> Any:
    """Strict JSON, except that NaN is a missing value. Raises SuiteError for duplicate keys, infinities and deep
    nesting."""
    try:
        value = _DECODER.decode(text.lstrip("\ufeff"))
    except json.JSONDecodeError as error:
        at = f"line {error.lineno}, column {error.colno}" if error.lineno > 1 else f"column {error.colno}"
        fix = "write one object a line"
        raise SuiteError(f"not a JSON object ({error.msg}, {at})", where=place, fix=fix) from None
    except _Refused as error:
        raise SuiteError(str(error), where=place, fix=error.fix) from None
    except ValueError:  # a number with more digits than Python accepts
        raise SuiteError("holds a number of thousands of digits", where=place, fix="write it as a text") from None
    except RecursionError:
        raise _too_deep(place) from None
    return value


class _Refused(Exception):
    def __init__(self, what: str, fix: str) -> None:
        super().__init__(what)
        self.fix = fix


def _pairs(pairs: list[tuple[str, Any]]) -> Row:
    row = dict(pairs)
    if len(row) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise _Refused(f"has the key '{twice[:60]}' twice", "keep one")
    return row


def _constant(name: str) -> None:
    if name != "NaN":
        raise _Refused(f"holds {name}, which is no JSON", "write null, a number or a text")


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_pairs, parse_constant=_constant)


def _csv(file: Path, data: bytes, sep: str = ",") -> Iterator[Placed]:
    """A table with a header. Cells stay text, unless a whole column consists of numbers in Python's notation."""
    import pandas

    if len(sep) != 1:
        raise SuiteError(f"'{sep}' separates no columns", where=str(file), fix="name one character: `sep: ';'`")
    text = _decoded(file, data)
    options = {"sep": sep, "dtype": str, "keep_default_na": False}
    try:
        names = [str(name) for name in pandas.read_csv(io.StringIO(text), header=None, nrows=1, **options).iloc[0]]
        table = pandas.read_csv(io.StringIO(text), **options)
    except pandas.errors.EmptyDataError:
        return
    except (ValueError, OverflowError, pandas.errors.ParserError) as error:
        reason = " ".join(str(error).split()).removeprefix("Error tokenizing data. C error: ")
        raise SuiteError(f"is not a readable table ({reason[:160]})", where=str(file), fix=_TABLE_FIX) from None
    _check_names(file, names)
    if not isinstance(table.index, pandas.RangeIndex):
        raise SuiteError("has rows of more fields than its header", where=str(file), fix=_TABLE_FIX)
    if len(names) == 1 and sep == "," and (other := next((sign for sign in OTHER_SEPARATORS if sign in names[0]), "")):
        what = f"has one column, {_printable(names[0])!r}: its columns seem to be separated by {other!r}, not by ','"
        fix = "save it with commas; of files that a task names, `dataset_kwargs: {sep: …}` says what separates columns"
        raise SuiteError(what, where=f"{file}:1", fix=fix)
    columns = [_typed([cell if isinstance(cell, str) and cell else None for cell in table[name]]) for name in table]
    places = _places(file, text, sep, len(table))
    for place, cells in zip(places, zip(*columns, strict=True), strict=True):
        yield Placed(place, dict(zip(map(str, table), cells, strict=True)))


def _places(file: Path, text: str, sep: str, count: int) -> list[str]:
    """The line that each row of a table begins on; its number where another reader of CSV finds other rows."""
    begins: list[int] = []
    reader, line = csv.reader(io.StringIO(text, newline=""), delimiter=sep), 1
    try:
        for cells in reader:
            if len(cells) > 1 or any(cell.strip() for cell in cells):
                begins.append(line)
            line = reader.line_num + 1
    except csv.Error:  # such as a field of more than 131,072 characters
        begins = []
    if len(begins) != count + 1:
        return [f"{file}: row {number}" for number in range(1, count + 1)]
    return [f"{file}:{begin}" for begin in begins[1:]]


def _typed(column: Sequence[str | None]) -> Sequence[Any]:
    """The cells of a column as integers, floats or booleans, if all of them are written as Python writes them.

    All other columns stay text (`007`, `1.50`, `1e5`, `NA`). An empty cell is a missing value in any column.
    """
    cells = [cell for cell in column if cell is not None]
    for kind, form in _CELLS.items():
        if cells and all(form.fullmatch(cell) and str(kind(cell)) == cell for cell in cells):
            return [None if cell is None else kind(cell) for cell in column]
    return column


_CELLS: Final[Mapping[Callable[[str], Any], re.Pattern[str]]] = {
    int: re.compile(r"-?[0-9]{1,18}"), float: re.compile(r"-?[0-9]+\.[0-9]+(e[+-]?[0-9]+)?"),
    "True".__eq__: re.compile("True|False"),
}  # fmt: skip
"""Conversions of cells -> the pattern of their texts. Longer integers would lose digits in most readers."""


_TABLE_FIX: Final = "give every row as many fields as the header, and quote texts that hold the separator"


def _tsv(file: Path, data: bytes) -> Iterator[Placed]:
    return _csv(file, data, "\t")


def _parquet(file: Path, data: bytes) -> Iterator[Placed]:
    import pyarrow.parquet

    try:
        table = pyarrow.parquet.read_table(io.BytesIO(data))
        rows = table.to_pylist()
    except (pyarrow.ArrowException, OSError, ValueError, OverflowError) as error:
        reason = " ".join(str(error).split())[:160]
        raise SuiteError(f"is not a readable Parquet file ({reason})", where=str(file), fix="write it again") from None
    _check_names(file, table.column_names)
    for number, row in enumerate(rows, 1):
        yield Placed(f"{file}: row {number}", row)


def _check_names(file: Path, names: Sequence[str]) -> None:
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise SuiteError(f"has the column '{_printable(twice)}' twice", where=str(file), fix="keep one")


def _lines(file: Path, data: bytes) -> Iterator[Placed]:
    """Each line as `{text: …}`, as in lm-eval's `dataset_path: text`."""
    lines = _LINE_END.split(_decoded(file, data))
    for number, line in enumerate(lines[:-1] if not lines[-1] else lines, 1):
        yield Placed(f"{file}:{number}", {"text": line})


_READERS: Final[Mapping[str, Callable[..., Iterator[Placed]]]] = {
    "jsonl": _json, "json": _json, "ndjson": _json, "csv": _csv, "tsv": _tsv, "parquet": _parquet, "txt": _lines,
    "text": _lines,
}  # fmt: skip


def _decoded(file: Path, data: bytes) -> str:
    """Decode UTF-8 with or without a byte order mark, or UTF-16 or UTF-32 with one."""
    coding = next((name for mark, name in _BOMS if data.startswith(mark)), "utf-8")
    try:
        text = data.decode(coding)
    except UnicodeDecodeError as error:
        at = error.object[: error.start].count(b"\n") + 1 if coding.startswith("utf-8") else 1
        what = f"is not {coding.removesuffix('-sig').upper()} text"
        raise SuiteError(what, where=f"{file}:{at}", fix="save the file as UTF-8") from None
    if "\0" in text:
        at = len(_LINE_END.findall(text, 0, text.index("\0"))) + 1
        raise SuiteError("holds NUL bytes", where=f"{file}:{at}", fix="save the file as UTF-8 text") from None
    return text


def _too_deep(place: str) -> SuiteError:
    return SuiteError(f"is nested more than {MAX_DEPTH} levels deep", where=place, fix="write flat rows")


def check_row(each: Placed) -> None:
    """Raises SuiteError for values that tokenizers, stores or pages cannot hold: lone surrogates, deep nesting,
    infinities."""
    for field, value in each.row.items():
        _check_value(value, each.place, str(field), 1)
        _check_text(str(field), each.place, str(field))


def _check_value(value: Any, place: str, field: str, depth: int) -> None:
    if isinstance(value, str):
        _check_text(value, place, field)
    elif isinstance(value, float) and math.isinf(value):
        what = f"'{_printable(field)}' is infinite"
        raise SuiteError(what, where=place, fix="write a number, a text or null")
    elif isinstance(value, (Mapping, Sequence)) and not isinstance(value, bytes):
        if depth == MAX_DEPTH:
            raise _too_deep(place)
        for inner in (*value.keys(), *value.values()) if isinstance(value, Mapping) else value:
            _check_value(inner, place, field, depth + 1)


def _check_text(text: str, place: str, field: str) -> None:
    half = None if text.isascii() else _SURROGATE.search(text)
    if half:
        what = f"'{_printable(field)}' holds half a surrogate pair (\\u{ord(half[0]):x}), which is no character"
        raise SuiteError(what, where=place, fix="write the whole character, or take it out")


def _printable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()[:60]
