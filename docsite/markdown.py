"""Markdown of generated pages: tables, code, links."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; a cell may have several lines, which become one."""
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    lines += ["| " + " | ".join(map(cell, row)) + " |" for row in rows]
    return "\n".join(lines)


def cell(text: str) -> str:
    """A text as the cell of a table: one line, and no `|` that would end it."""
    return re.sub(r"(?<!\\)\|", r"\\|", " ".join(text.split()))


def code(value: Any) -> str:
    """A value as code: texts as they are, everything else as JSON."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"`{text}`" if text else '`""`'


def plain(text: str) -> str:
    """A help text or docstring: what stands in `<` and `>` outside of code is text, not HTML."""
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(part if part.startswith("`") else part.replace("<", "&lt;") for part in parts)


def target(name: str) -> str:
    """A place that links and the search may lead to."""
    return f'<span id="{name}"></span>'


def first_sentence(text: str) -> str:
    """What a docstring begins with, up to its first full stop or empty line."""
    paragraph = " ".join(text.strip().split("\n\n")[0].split())
    return re.split(r"(?<=[.!?])\s+(?=[A-Z`])", paragraph)[0]
