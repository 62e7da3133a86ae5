"""Texts that others wrote, made harmless where they are put."""

from __future__ import annotations

import re

from suite.core.console import visible

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""A spreadsheet would take a text that begins with one of these for a formula; the last four are as wide as letters."""
_MARKDOWN = re.compile(r"([\\|<>*_`\[\]])")
_LATEX = {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}",
    ">": r"\textgreater{}", "|": r"\textbar{}", "±": r"$\pm$", **{each: f"\\{each}" for each in "&%$#_{}"},
}  # fmt: skip


def markdown(text: str) -> str:
    """One line that stays in its cell and is no markup."""
    return _MARKDOWN.sub(r"\\\1", visible(" ".join(text.split())))


def latex(text: str) -> str:
    """One line without commands."""
    return "".join(_LATEX.get(each, each) for each in visible(" ".join(text.split())))


def spreadsheet(text: str) -> str:
    """A text that no spreadsheet takes for a formula, and that steers no terminal. Its lines stay."""
    shown = "".join(each if each in "\t\r\n" else visible(each) for each in text)
    return f"'{shown}" if shown.startswith(FORMULA) else shown
