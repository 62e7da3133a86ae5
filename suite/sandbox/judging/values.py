"""Encode values for a pipe between two interpreters: plain data by exact type, without code of either side.

A value is decoded to a fresh builtin of the encoded type, so the reader's operators decide about equality. Anything
other than plain data is passed as a number, whose meaning both sides define. This module runs in sandboxes: it imports
little, and `run._script` leaves out imports of type names.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any, Final, TypeAlias

LARGEST: Final = 32 << 20
"""Maximum size of a message, in bytes."""
DEEPEST: Final = 150
"""Maximum depth of nested containers."""

PURE: Final = frozenset({
    "bisect", "cmath", "collections", "copy", "datetime", "decimal", "fractions", "functools", "heapq", "itertools",
    "math", "operator", "random", "re", "statistics", "string", "sys", "typing",
})  # fmt: skip
"""Modules of the standard library. If a program says that a name comes from one of them, tests use their own."""


class Unsendable(Exception):
    """A value that is not plain data, or too large."""


class Malformed(Exception):
    """Bytes that do not encode a value."""


class PipeClosed(BaseException):
    """The other side closed the pipe. Not an Exception, so that no `except Exception` of a test handles it."""


Export: TypeAlias = "Callable[[Any], tuple[str, Any]]"
"""Names a value that is not plain data: a kind, and plain data. Raises Unsendable."""
Restore: TypeAlias = "Callable[[str, Any], Any]"
"""Its counterpart on the other side. Raises Malformed."""


def no_export(value: Any) -> tuple[str, Any]:
    """Reject everything except plain data."""
    raise Unsendable(f"a {type(value).__name__} is no plain data")


def no_restore(kind: str, _: Any) -> Any:
    """Reject everything except plain data."""
    raise Malformed(f"a {kind} is no plain data")


def _of(name: str) -> Any:
    """A type of the standard library; None if its module was not imported."""
    module, _, attribute = name.rpartition(".")
    return getattr(sys.modules.get(module), attribute, None)


# name -> (decompose, compose)
_MORE: Final[dict[str, tuple[Callable[[Any], Any], Callable[[Any, Any], Any]]]] = {
    "builtins.bytearray": (bytes, lambda kind, content: kind(content)),
    "builtins.range": (lambda value: (value.start, value.stop, value.step), lambda kind, content: kind(*content)),
    "builtins.slice": (lambda value: (value.start, value.stop, value.step), lambda kind, content: kind(*content)),
    "collections.OrderedDict": (lambda value: list(value.items()), lambda kind, content: kind(content)),
    "collections.Counter": (dict, lambda kind, content: kind(content)),
    "collections.defaultdict": (dict, lambda kind, content: kind(None, content)),
    "collections.deque": (lambda value: (list(value), value.maxlen), lambda kind, content: kind(*content)),
    "decimal.Decimal": (str, lambda kind, content: kind(content)),
    "fractions.Fraction": (lambda value: (value.numerator, value.denominator), lambda kind, content: kind(*content)),
    "datetime.date": (lambda value: value.isoformat(), lambda kind, content: kind.fromisoformat(content)),
    "datetime.datetime": (lambda value: value.isoformat(), lambda kind, content: kind.fromisoformat(content)),
    "datetime.time": (lambda value: value.isoformat(), lambda kind, content: kind.fromisoformat(content)),
    "datetime.timedelta": (
        lambda value: (value.days, value.seconds, value.microseconds), lambda kind, content: kind(*content)
    ),
}  # fmt: skip
_VIEWS: Final = {"keys": type({}.keys()), "values": type({}.values()), "items": type({}.items())}
_BASES: Final[tuple[tuple[type, Callable[[Any], Any]], ...]] = (
    (int, int.__pos__),
    (float, float.__pos__),
    (str, lambda value: str.__getitem__(value, slice(None))),
    (tuple, lambda value: tuple.__getitem__(value, slice(None))),
    (list, lambda value: list.__getitem__(value, slice(None))),
    (dict, lambda value: dict(dict.items(value))),
    (set, lambda value: {*set.__iter__(value)}),
)
_CONTAINERS: Final[dict[type, bytes]] = {list: b"l", tuple: b"t", set: b"e", frozenset: b"z"}
_MADE: Final[dict[bytes, type]] = {tag: kind for kind, tag in _CONTAINERS.items()}


def encode(value: Any, export: Export = no_export) -> bytes:
    """Encode a value. Raises Unsendable."""
    out: list[bytes] = []
    try:
        _put(value, out, export, 0)
    except RecursionError:
        raise Unsendable("nested too deeply") from None
    return b"".join(out)


def _put(value: Any, out: list[bytes], export: Export, depth: int) -> None:
    kind = type(value)
    if depth > DEEPEST:
        raise Unsendable("nested too deeply")
    if value is None or kind is bool:
        out.append(b"N" if value is None else b"T" if value else b"F")
    elif kind is int:
        _sized(out, b"i", format(value, "x").encode())
    elif kind is float:
        _sized(out, b"f", value.hex().encode())
    elif kind is str:
        _sized(out, b"s", value.encode("utf-8", "surrogatepass"))
    elif kind is bytes:
        _sized(out, b"b", value)
    elif kind is complex:
        _sized(out, b"c", f"{value.real.hex()} {value.imag.hex()}".encode())
    elif kind in _CONTAINERS:
        out.append(b"%b%d:" % (_CONTAINERS[kind], len(value)))
        for item in value:
            _put(item, out, export, depth + 1)
    elif kind is dict:
        out.append(b"d%d:" % len(value))
        for key, item in value.items():
            _put(key, out, export, depth + 1)
            _put(item, out, export, depth + 1)
    else:
        _put_other(value, kind, out, export, depth + 1)


def _put_other(value: Any, kind: type, out: list[bytes], export: Export, depth: int) -> None:
    name = f"{kind.__module__}.{kind.__qualname__}"
    if name in _MORE and kind is _of(name):
        return _named(name, _MORE[name][0](value), out, export, depth)
    for view, type_ in _VIEWS.items():
        if kind is type_:
            return _named(view, list(value), out, export, depth)
    for base, plain in _BASES:
        # a subclass that compares like its base, such as a named tuple: only its content matters
        if base in kind.__mro__ and kind.__eq__ is base.__eq__ and kind.__hash__ is base.__hash__:
            return _put(plain(value), out, export, depth)
    named, content = export(value)
    _sized(out, b"h", named.encode())
    return _put(content, out, export, depth)


def _named(name: str, content: Any, out: list[bytes], export: Export, depth: int) -> None:
    _sized(out, b"x", name.encode())
    _put(content, out, export, depth)


def _sized(out: list[bytes], tag: bytes, content: bytes) -> None:
    out.append(b"%b%d:%b" % (tag, len(content), content))


def decode(data: bytes, restore: Restore = no_restore) -> Any:
    """Decode bytes, which may be hostile. Raises Malformed."""
    try:
        value, end = _get(data, 0, restore, 0)
    except (ValueError, TypeError, IndexError, OverflowError, ArithmeticError, RecursionError, UnicodeError) as error:
        raise Malformed(str(error)[:100]) from None
    if end != len(data):
        raise Malformed("something follows the value")
    return value


def _get(data: bytes, offset: int, restore: Restore, depth: int) -> tuple[Any, int]:
    tag = data[offset : offset + 1]
    if tag in b"NTF" and tag:
        return (None if tag == b"N" else tag == b"T"), offset + 1
    if depth > 2 * DEEPEST:
        raise Malformed("nested too deeply")
    colon = data.index(b":", offset, offset + 12)
    size, offset = int(data[offset + 1 : colon]), colon + 1
    if size < 0:
        raise Malformed("a negative size")
    if tag in _MADE:
        items = []
        for _ in range(size):
            item, offset = _get(data, offset, restore, depth + 1)
            items.append(item)
        return (items if tag == b"l" else _MADE[tag](items)), offset
    if tag == b"d":
        mapping = {}
        for _ in range(size):
            key, offset = _get(data, offset, restore, depth + 1)
            mapping[key], offset = _get(data, offset, restore, depth + 1)
        return mapping, offset
    content, offset = data[offset : offset + size], offset + size
    if len(content) != size:
        raise Malformed("it ends early")
    if tag in (b"x", b"h"):
        inner, offset = _get(data, offset, restore, depth + 1)
        name = content.decode()
        return (_put_together(name, inner) if tag == b"x" else restore(name, inner)), offset
    return _scalar(tag, content), offset


def _scalar(tag: bytes, content: bytes) -> Any:
    if tag == b"i":
        return int(content, 16)
    if tag == b"f":
        return float.fromhex(content.decode())
    if tag == b"s":
        return content.decode("utf-8", "surrogatepass")
    if tag == b"b":
        return content
    if tag == b"c":
        real, imaginary = content.decode().split(" ")
        return complex(float.fromhex(real), float.fromhex(imaginary))
    raise Malformed(f"no kind of value: {tag!r}")


def _put_together(name: str, content: Any) -> Any:
    if name in _VIEWS:
        if name == "items":
            return dict(content).items()
        return dict.fromkeys(content).keys() if name == "keys" else dict(enumerate(content)).values()
    if name not in _MORE:
        raise Malformed(f"no kind of value: {name[:40]}")
    module, _, attribute = name.rpartition(".")
    return _MORE[name][1](getattr(__import__(module), attribute), content)


def send(descriptor: int, message: Any, export: Export = no_export) -> None:
    """Write a message. Raises Unsendable before writing anything, or PipeClosed."""
    data = encode(message, export)
    if len(data) > LARGEST:
        raise Unsendable("too much data")
    remaining = memoryview(len(data).to_bytes(4, "big") + data)
    try:
        while remaining:
            remaining = remaining[os.write(descriptor, remaining) :]
    except OSError:
        raise PipeClosed from None


def receive(descriptor: int, restore: Restore = no_restore) -> Any:
    """Read a message. Raises Malformed or PipeClosed."""
    size = int.from_bytes(_exactly(descriptor, 4), "big")
    if size > LARGEST:
        raise Malformed("too much data")
    return decode(_exactly(descriptor, size), restore)


def _exactly(descriptor: int, size: int) -> bytes:
    parts: list[bytes] = []
    while size:
        part = os.read(descriptor, min(size, 1 << 20))
        if not part:
            raise PipeClosed
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def error_line(error: BaseException) -> str:
    """The last line of a traceback."""
    if isinstance(error, SystemExit):
        return f"ended early ({error.code})"[:200]
    try:
        text = str(error)[:200]
    except BaseException:
        text = ""
    name = type(error).__name__
    return f"{name}: {text}" if text else name
