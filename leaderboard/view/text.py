"""Makes untrusted text safe to show: invisible and direction-changing characters become visible, long text is cut."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from markupsafe import Markup

SHORT = 400
"""Longer text is folded."""
LONG = 2000
"""Longer text is cut."""
LONGEST = 20_000
"""The most characters of any value on a page: one long value must not break it."""
_SHOWN_AS_CODE = ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")


def visible(text: str) -> str:
    """The text with each control, zero-width or direction character written as its code point."""
    return text if text.isprintable() else "".join(map(_shown, text))


@lru_cache(maxsize=4096)
def _shown(character: str) -> str:
    if character in "\n\t" or unicodedata.category(character) not in _SHOWN_AS_CODE:
        return character
    return f"⟨U+{ord(character):04X}⟩"


def finalize(value: Any) -> Any:
    """Applied to the value of every expression in a template, before it is escaped."""
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    if len(value) <= LONGEST and value.isprintable():
        return value
    if len(value) > LONGEST:
        return f"{visible(value[:LONGEST])} … (cut here: {len(value) - LONGEST:,} more characters)"
    return visible(value)


def breakable(name: str) -> Markup:
    """A name that a browser may break after `_` and `-`."""
    return Markup("<wbr>").join(re.split(r"(?<=[_-])(?=.)", finalize(name), flags=re.DOTALL))


def initials(text: str) -> str:
    """`d` for `documents`, `ds` for `documents and seeds`."""
    return "".join(word[0] for word in text.split() if word != "and")


@dataclass(frozen=True)
class Passage:
    """A text in the form in which it is shown."""

    head: str
    """All of a short text; the beginning of a long one."""
    body: str
    """A long text up to the limit LONG; empty for a short one."""
    omitted: int
    """Number of characters beyond the limit."""


def passage(text: str) -> Passage:
    """The text: folded if it is long, cut if it is very long."""
    lines = text.count("\n", 0, SHORT)
    if len(text) <= SHORT and lines < 8:
        return Passage(text, "", 0)
    return Passage(" ".join(text[:160].split()), text[:LONG], max(0, len(text) - LONG))
