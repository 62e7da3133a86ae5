"""Values that must not become text (`null`, `nan`, methods), wherever a template uses them as text.

Jinja would write them out (`None`, `<built-in method …>`) in filters, formats and concatenations. Within a template
they are wrapped in objects of this module: conditions, `is none` and calls work as usual. Converting them to a text or
a number fails.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from operator import is_
from typing import Any, Final, NoReturn

from jinja2 import Undefined


class Unwritable(Exception):
    """A template used such a value as text or number. Not a ValueError, because Jinja's filters turn those into a
    default."""


class _Guard:
    """Wraps a value; `what` describes it in the error."""

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
    """A method, which can be called; its result is guarded, too."""

    def __call__(self, *given: Any, **named: Any) -> Any:
        return shallow(self.value(*given, **named))


_SOUND: Final = frozenset({str, int, bool})
NULL: Final = _Guard(None, "gives None (null in the row)")


def guarded(value: Any) -> Any:
    """A row's value with its parts guarded; the same object if there is nothing to guard."""
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
    """A value, guarded if it is `null`, infinite or `nan`."""
    if value is None:
        return NULL
    if isinstance(value, float) and not math.isfinite(value):
        return _Guard(value, f"gives {value}")
    return value


def attribute(value: Any) -> Any:
    """A value's attribute; a method is guarded so that it can only be called."""
    if type(value) not in _SOUND and callable(value) and not isinstance(value, (_Guard, Undefined)):
        name = getattr(value, "__name__", type(value).__name__)
        return _GuardedMethod(value, f"gives a method ({name}), not a field of the row")
    return value


def plain(value: Any) -> Any:
    """The original value."""
    return value.value if isinstance(value, _Guard) else value


def for_json(value: Any) -> Any:
    """The value that Jinja's `tojson` writes: `null` is allowed in JSON, the others are not."""
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
"""Jinja's tests, applied to the original values."""
