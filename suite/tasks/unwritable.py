"""Values that must not become text: `null`, `nan` and methods, wherever a template uses them as one.

Jinja writes them out (`None`, `<built-in method …>`) in filters, formats and concatenations. Within a template they are
objects of this module: a condition, `is none` and a call see what they would see, a text or a number cannot be had.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from operator import is_
from typing import Any, Final, NoReturn

from jinja2 import Undefined


class Unwritable(Exception):
    """A text or a number was asked of what is none. No ValueError: Jinja's filters turn these into a default."""


class _Guard:
    """In place of a value; the text says what it gives."""

    def __init__(self, value: Any, what: str) -> None:
        self.value, self.what = value, what

    def refuse(self, *_: object) -> NoReturn:
        raise Unwritable(self.what)

    __str__ = __repr__ = __int__ = __float__ = __index__ = __round__ = __abs__ = __neg__ = __pos__ = refuse
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __mod__ = __rmod__ = refuse
    __truediv__ = __rtruediv__ = __floordiv__ = __rfloordiv__ = __pow__ = __rpow__ = refuse
    __iter__ = __len__ = __contains__ = __lt__ = __le__ = __gt__ = __ge__ = refuse

    def __bool__(self) -> bool:
        return bool(self.value)

    def __eq__(self, other: object) -> bool:
        return bool(self.value == plain(other))

    def __hash__(self) -> int:
        return hash(self.value)


class _GuardedMethod(_Guard):
    """A method, which can be called; what it gives is guarded as well."""

    def __call__(self, *given: Any, **named: Any) -> Any:
        return shallow(self.value(*given, **named))


_SOUND: Final = frozenset({str, int, bool})
NULL: Final = _Guard(None, "gives None (null in the row)")


def guarded(value: Any) -> Any:
    """A value of a row; the same object if there is nothing to guard in it."""
    if type(value) in _SOUND:
        return value
    if isinstance(value, (dict, Mapping)):
        if _SOUND.issuperset(map(type, value.values())):
            return value
        found = {key: guarded(each) for key, each in value.items()}
        return value if all(map(is_, found.values(), value.values())) else found
    if isinstance(value, (list, tuple)):
        if _SOUND.issuperset(map(type, value)):
            return value
        several = [guarded(each) for each in value]
        return value if all(map(is_, several, value)) else type(value)(several)
    return shallow(value)


def shallow(value: Any) -> Any:
    """A value, guarded if it is `null` or no number."""
    if value is None:
        return NULL
    if isinstance(value, float) and not math.isfinite(value):
        return _Guard(value, f"gives {value}")
    return value


def attribute(value: Any) -> Any:
    """What an attribute of a value is: a method can be called, and nothing else."""
    if type(value) not in _SOUND and callable(value) and not isinstance(value, (_Guard, Undefined)):
        name = getattr(value, "__name__", type(value).__name__)
        return _GuardedMethod(value, f"gives a method ({name}), not a field of the row")
    return value


def plain(value: Any) -> Any:
    """The value itself."""
    return value.value if isinstance(value, _Guard) else value


def for_json(value: Any) -> Any:
    """What Jinja's `tojson` writes: `null` is part of JSON, the others are not."""
    return None if value is NULL else str(value)


def refuse(value: Any) -> None:
    """Raises Unwritable for a guarded value."""
    if isinstance(value, _Guard):
        value.refuse()


TESTS: Final[Mapping[str, Callable[..., bool]]] = {
    "none": lambda value: plain(value) is None,
    "sameas": lambda value, other: plain(value) is plain(other),
    "callable": lambda value: callable(plain(value)),
    "number": lambda value: isinstance(plain(value), (int, float, complex)),
    "iterable": lambda value: hasattr(plain(value), "__iter__"),
    "float": lambda value: isinstance(plain(value), float),
}
"""Jinja's tests, of the values themselves."""
