"""Expressions of GitHub Actions, as `${{ github.ref == 'refs/heads/main' && always() }}`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

INSERTED = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
TOKEN = re.compile(r"\s*(?:('(?:[^']|'')*')|(&&|\|\||==|!=|!|\(|\)|,)|([A-Za-z_][\w.-]*)|(\d+))")
OPERATORS = {"&&": " and ", "||": " or ", "!": " not "}
STATUS = ("always", "cancelled", "failure", "success")
"""Functions without which a condition also asks for success."""


def filled(text: str, contexts: Mapping[str, Any], functions: Mapping[str, Callable[..., Any]]) -> str:
    """A text with the values of its expressions."""
    return INSERTED.sub(lambda match: _text(value(match[1], contexts, functions)), text)


def holds(condition: str, contexts: Mapping[str, Any], functions: Mapping[str, Callable[..., Any]]) -> bool:
    """Whether a step or a job runs."""
    found = INSERTED.fullmatch(condition.strip())
    expression = found[1] if found else condition
    asked = any(f"{name}(" in expression for name in STATUS)
    return bool(value(expression, contexts, functions)) and (asked or functions["success"]())


def value(expression: str, contexts: Mapping[str, Any], functions: Mapping[str, Callable[..., Any]]) -> Any:
    """The value of an expression; a field that is not there is ''."""
    parts: list[str] = []
    place = 0
    while expression[place:].strip():
        match = TOKEN.match(expression, place)
        assert match, f"cannot be read: {expression[place:]}"
        string, operator, name, number = match.groups()
        place = match.end()
        if string:
            parts.append(repr(string[1:-1].replace("''", "'")))
        elif name in ("true", "false"):
            parts.append(name.title())
        elif name:
            parts.append(f"functions[{name!r}]" if expression[place:].lstrip()[:1] == "(" else f"field({name!r})")
        else:
            parts.append(OPERATORS.get(operator, operator) if operator else number)

    def field(path: str) -> Any:
        found: Any = contexts
        for key in path.split("."):
            found = found.get(key, "") if isinstance(found, Mapping) else ""
        return found

    return eval("".join(parts), {"functions": functions, "field": field})


def _text(found: Any) -> str:
    return str(found).lower() if isinstance(found, bool) else str(found)
