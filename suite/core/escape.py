"""Escape untrusted text for Markdown, LaTeX and spreadsheets."""

from __future__ import annotations

import re

from suite.core.console import visible

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""A spreadsheet treats a text that starts with one of these as a formula; the last four are full-width forms."""
_MARKDOWN = re.compile(r"([\\|<>*_`\[\]])")
_LATEX = {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}",
    ">": r"\textgreater{}", "|": r"\textbar{}", "±": r"$\pm$", **{each: f"\\{each}" for each in "&%$#_{}"},
}  # fmt: skip


def markdown(text: str) -> str:
    """One line that stays in its table cell and contains no markup."""
    return _MARKDOWN.sub(r"\\\1", visible(" ".join(text.split())))


def latex(text: str) -> str:
    """One line without LaTeX commands."""
    return "".join(_LATEX.get(each, each) for each in visible(" ".join(text.split())))


def spreadsheet(text: str) -> str:
    """A text that a spreadsheet does not treat as a formula and that cannot control a terminal. Line ends are kept."""
    shown = "".join(each if each in "\t\r\n" else visible(each) for each in text)
    return f"'{shown}" if shown.startswith(FORMULA) else shown
