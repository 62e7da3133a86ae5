"""Texts that others wrote, made harmless where they are put."""

from __future__ import annotations

import re

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet would take a text that begins with one of these for a formula."""
_MARKDOWN = re.compile(r"([\\|<>*_`\[\]])")
_LATEX = {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}",
    ">": r"\textgreater{}", "|": r"\textbar{}", "±": r"$\pm$", **{each: f"\\{each}" for each in "&%$#_{}"},
}  # fmt: skip


def markdown(text: str) -> str:
    """One line that stays in its cell and is no markup."""
    return _MARKDOWN.sub(r"\\\1", " ".join(text.split()))


def latex(text: str) -> str:
    """One line without commands."""
    return "".join(_LATEX.get(each, each) for each in " ".join(text.split()))


def spreadsheet(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(FORMULA) else text
