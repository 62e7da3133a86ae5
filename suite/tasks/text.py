"""The paper's output processing on plain text: cut an answer, read its label, compare as TriviaQA does."""

from __future__ import annotations

import re
import string
from collections.abc import Sequence
from typing import Final

UNPARSABLE: Final = "[invalid]"
"""Stands for an answer in which no answer was found; lm-eval's own filters use the same mark."""

_WORD: Final = re.compile(r"\W*(\w+)")
_ARTICLES: Final = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION: Final = str.maketrans(dict.fromkeys(string.punctuation + "‘’´", " "))


def cut(output: str, prefix: str, *, occurrence: int = 1, blank_line: bool = True) -> str:
    """An answer without what follows it: a blank line, or the `occurrence`-th `prefix`, with which examples start."""
    if blank_line:
        output = output.partition("\n\n")[0]
    if prefix:
        output = prefix.join(output.split(prefix)[:occurrence])
    return output.strip()


def first_label(output: str, labels: Sequence[str], *, ignore_case: bool = True) -> str | None:
    """The label that an answer's first word is (punctuation aside, and case unless told), or None."""
    word = _WORD.match(output)
    known = _by_word(labels, ignore_case)
    return None if word is None else known.get(_folded(word[1], ignore_case))


def named_label(output: str, labels: Sequence[str], *, ignore_case: bool = True) -> str | None:
    """The label that an answer names first, wherever it stands (case aside, unless told), or None."""
    known = _by_word(labels, ignore_case)
    words = re.findall(r"\w+", _folded(output, ignore_case))
    return next((known[word] for word in words if word in known), None)


def _by_word(labels: Sequence[str], ignore_case: bool) -> dict[str, str]:
    """The first label of each spelling."""
    return {_folded(label, ignore_case): label for label in reversed(labels)}


def _folded(text: str, ignore_case: bool) -> str:
    return text.casefold() if ignore_case else text


def normalised(text: str) -> str:
    """Lower case, without punctuation, articles and spare spaces: as TriviaQA's own scorer has it."""
    text = _ARTICLES.sub(" ", text.lower().replace("_", " ").translate(_PUNCTUATION))
    return " ".join(text.split())
