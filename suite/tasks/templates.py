"""Templates of task files: compiled once, and rendered to the value that they name, or else to text.

They differ from lm-eval's in three ways. They never guess a type from a text (`[3, 5]` in a text field stays text, a
list of answers stays a list). A field comes before a method of the same name (`{{q.items}}`). Values that are neither
text nor number are rejected, even in filters and operators: a missing field, `None`, `nan`, a method.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import lru_cache, wraps
from itertools import chain, islice
from typing import Any, Final

from jinja2 import Environment, StrictUndefined, Undefined, meta, nodes, pass_environment
from jinja2.filters import do_attr
from jinja2.nativetypes import NativeEnvironment, NativeTemplate

from suite.tasks import unwritable

Row = Mapping[str, Any]
Render = Callable[[Row], Any]

WITH_FIELDS_NAMED: Final = 8
"""Maximum number of a row's fields in an error."""


class Unfit(ValueError):
    """A row that a template does not fit; the text says why."""


def _joined(given: Iterable[Any], write: Callable[[Any], str] = str) -> Any:
    """The value of a template with one part, or the joined text of several parts."""
    parts = iter(given)
    first = list(islice(parts, 2))
    if len(first) == 1:
        return first[0]
    return "".join(write(part) for part in chain(first, parts))


class _Environment(NativeEnvironment):
    concat = staticmethod(_joined)  # type: ignore[assignment]

    def getattr(self, obj: Any, attribute: str) -> Any:
        """The attribute of an object; a field comes before a method."""
        if isinstance(obj, Mapping) and attribute in obj:
            return obj[attribute]
        return unwritable.attribute(super().getattr(unwritable.plain(obj), attribute))

    def getitem(self, obj: Any, argument: Any) -> Any:
        """As in Jinja: `q['items']` is a method if there is no such field."""
        return unwritable.attribute(super().getitem(unwritable.plain(obj), argument))

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        """The template's tree with two checks: of the parts that `~` and `%` join, and against negative indices.

        Otherwise `{{['True', 'False'][label]}}` would be `False` for the label -1, with which data sets hide labels.
        """
        tree = super()._parse(source, name, filename)
        for each in tree.find_all(nodes.Getitem):
            if isinstance(each.node, (nodes.List, nodes.Tuple, nodes.Const)) and not isinstance(
                each.arg, (nodes.Const, nodes.Neg, nodes.Slice)
            ):
                each.arg = nodes.Filter(each.arg, "_place", [], [], None, None)
        for joined in tree.find_all(nodes.Concat):
            joined.nodes = [nodes.Filter(part, "_part", [], [], None, None) for part in joined.nodes]
        for formatted in tree.find_all(nodes.Mod):
            given = formatted.right
            if isinstance(given, nodes.Tuple):
                given.items = [nodes.Filter(part, "_part", [], [], None, None) for part in given.items]
            elif not isinstance(given, nodes.Dict):
                formatted.right = nodes.Filter(given, "_part", [], [], None, None)
        return tree


class _Template(NativeTemplate):
    environment_class = _Environment


_Environment.template_class = _Template


def checked(value: Any) -> Any:
    """A template's output. Raises Unfit for values that must not be written as text."""
    if isinstance(value, str):
        return value
    if isinstance(value, Undefined):
        return str(value)  # raises UndefinedError, which says what is missing
    if value is None:
        raise Unfit(unwritable.NULL.what)
    unwritable.refuse(value)
    if isinstance(value, float) and not math.isfinite(value):
        raise Unfit(f"gives {value}")
    if isinstance(value, Mapping):
        for each in value.values():
            checked(each)
    elif isinstance(value, (list, tuple)):
        for each in value:
            checked(each)
    elif callable(value):
        raise Unfit(f"gives a method ({getattr(value, '__name__', type(value).__name__)}), not a field of the row")
    elif isinstance(value, (bytes, bytearray)) or str(value).startswith("<"):
        raise Unfit(f"gives a {type(value).__name__}, not a text")
    return value


def _place(value: Any) -> Any:
    """An index into a list of the template. Raises Unfit for a negative one."""
    if isinstance(value, int) and value < 0:
        raise Unfit(f"gives {value} as the place in a list")
    return value


def _regex_replace(text: str, pattern: str, repl: str, count: int = 0) -> str:
    """lm-eval's filter of this name."""
    return re.sub(pattern, repl, text, count=count)


@pass_environment
def _attribute(environment: Environment, value: Any, name: str) -> Any:
    """Jinja's filter `attr`."""
    return unwritable.attribute(do_attr(environment, unwritable.plain(value), name))


def _single(value: Any) -> Any:
    """A part of an answer's text. Raises Unfit for a list, which Python would write with brackets and quotes."""
    if isinstance(value, (list, tuple, set, Mapping)):
        kind = "mapping" if isinstance(value, Mapping) else "list"
        raise Unfit(f"has a {kind} within a text ({str(value)[:40]}): write `{{{{ }}}}` alone, or `| join`")
    return value


def _written_answer(value: Any) -> str:
    return str(_single(value))


OF_TEXTS: Final = (
    "capitalize", "center", "e", "escape", "forceescape", "format", "indent", "lower", "replace", "safe", "string",
    "striptags", "title", "trim", "upper", "wordwrap",
)  # fmt: skip
"""Jinja's filters that convert any value to text."""


def _of_parts(function: Callable[..., Any], part: Callable[[Any], Any]) -> Callable[..., Any]:
    """Wrap a filter so that its arguments are checked as parts of a text."""

    own = 1 if hasattr(function, "jinja_pass_arg") else 0  # the first argument may be Jinja's own

    @wraps(function)
    def checks(*given: Any, **options: Any) -> Any:
        return function(*given[:own], *map(part, given[own:]), **{key: part(value) for key, value in options.items()})

    return checks


def _environment(part: Callable[[Any], Any]) -> _Environment:
    """A Jinja environment with our rules; `part` checks the parts that `~` joins."""
    made = _Environment(undefined=StrictUndefined, keep_trailing_newline=True, finalize=checked)
    made.filters |= {"regex_replace": _regex_replace, "_place": _place, "_part": part, "attr": _attribute}
    made.filters |= {name: _of_parts(made.filters[name], part) for name in OF_TEXTS}
    made.tests |= unwritable.TESTS
    made.policies["json.dumps_kwargs"] = {"sort_keys": True, "default": unwritable.for_json}
    return made


_ENVIRONMENT: Final = _environment(checked)
_OF_ANSWERS: Final = _environment(lambda value: _single(checked(value)))


_FIELD: Final = re.compile(r"\{\{ *([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*) *\}\}")
_NO_FIELDS: Final = frozenset({"true", "false", "none"})
_Part = str | tuple[str, ...]
"""A text, or the path of a field."""


def _fields(template: str) -> tuple[_Part, ...] | None:
    """The parts of a template that consists only of texts and fields; None for any other."""
    texts, names = _FIELD.split(template)[::2], _FIELD.split(template)[1::2]
    paths: list[tuple[str, ...]] = [tuple(name.split(".")) for name in names]
    if any(sign in text for text in texts for sign in ("{{", "{%", "{#", "}}", "\r")):
        return None
    if any(path[0].lower() in _NO_FIELDS for path in paths):
        return None
    parts: list[_Part] = [texts[0]]
    for path, text in zip(paths, texts[1:], strict=True):
        parts += [path, text]
    return tuple(part for part in parts if part)


def _filled(parts: tuple[_Part, ...], row: Row, write: Callable[[Any], str]) -> Any:
    """Render like Jinja, ten times as fast. Raises KeyError if Jinja should report the error."""
    found = []
    for part in parts:
        value: Any = part
        if not isinstance(part, str):
            value = row
            for name in part:
                if not isinstance(value, Mapping):
                    raise KeyError(name)
                value = value[name]
            value = checked(value)
        found.append(value)
    return _joined(found, write) if found else ""


def fault(template: str) -> str | None:
    """Why a text is not a valid template; None if it is."""
    try:
        _ENVIRONMENT.from_string(template)
    except Exception as error:  # besides syntax, Python's compiler has limits (nesting, names)
        return " ".join(str(error).split())[:200] or type(error).__name__
    return None


def names_in(template: str) -> frozenset[str]:
    """The names that a template takes from a row."""
    return frozenset(meta.find_undeclared_variables(_ENVIRONMENT.parse(template)))


@lru_cache(maxsize=512)
def compiled(template: str, *, answers: bool = False) -> Render:
    """The template as a function of a row, which raises Unfit for rows that it does not fit.

    With `answers`, a list is a list of answers and never a part of a text.
    """
    environment = _OF_ANSWERS if answers else _ENVIRONMENT
    made, parts, write = environment.from_string(template), _fields(template), _written_answer if answers else str
    # like `made.render`, which collects jinja's own names from a chain of mappings for every row
    built_in, used = dict(made.globals), meta.find_undeclared_variables(environment.parse(template))

    def render(row: Row) -> Any:
        try:
            if parts is not None:
                with suppress(KeyError):
                    return _filled(parts, row, write)
            guarded = {name: unwritable.guarded(row[name]) for name in used if name in row}
            context = made.new_context({**built_in, **row, **guarded}, shared=True)
            return _joined(made.root_render_func(context), write)
        except Unfit:
            raise
        except unwritable.Unwritable as error:
            raise Unfit(str(error)) from None
        except Exception as error:  # a template is the user's program: it may raise anything for some row
            have = ", ".join(sorted(map(str, row))[:WITH_FIELDS_NAMED]) or "no field"
            reason = " ".join(str(error).split())
            raise Unfit(f"does not fit ({type(error).__name__}: {reason}); the row has: {have}") from error

    return render


def field_or_template(text: str, fields: Iterable[str], *, answers: bool = False) -> Render:
    """A template, or the field whose name is the whole text, as in lm-eval."""
    if text not in set(fields):
        return compiled(text, answers=answers)

    def field(row: Row) -> Any:
        if text not in row:
            raise Unfit(f"does not fit ('{text}' is missing); the row has: {', '.join(sorted(map(str, row)))}")
        return checked(row[text])

    return field


def as_text(value: Any) -> str:
    """Convert a value to text as lm-eval's templates do."""
    return value if isinstance(value, str) else str(value)
