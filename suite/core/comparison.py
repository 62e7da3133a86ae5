"""Compare texts without case, punctuation and articles, without confusing different numbers."""

from __future__ import annotations

import re
import string
import unicodedata
from typing import Final

from suite.core.numbers import Amount, amount_of

_ARTICLES: Final = re.compile(r"\b(a|an|the)\b")
_AROUND_A_NUMBER: Final = re.compile(r"^[^\w+\-\u2212$€£¥.]+|[^\w%$€£¥]+$")
_SYMBOLS: Final = re.compile(r"(?<=[^\W_])[+#]{1,2}(?![+#]|[^\W\d])")
"""Symbols that make the preceding word another word: `C++`, `C#`."""


class _Replaced(dict[int, str]):
    """Table for `str.translate`: replaces punctuation of any script by one text."""

    def __init__(self, text: str) -> None:
        super().__init__(dict.fromkeys(map(ord, string.punctuation + "´"), text))
        self._text = text

    def __missing__(self, code: int) -> str:
        self[code] = self._text if unicodedata.category(chr(code))[0] == "P" else chr(code)
        return self[code]


_SPACED: Final = _Replaced(" ")
_DROPPED: Final = _Replaced("")


def normalised(text: str) -> str:
    """Lower case, without punctuation, articles and extra spaces, as in TriviaQA's own scorer, for any script."""
    text = _ARTICLES.sub(" ", text.lower().replace("_", " ").translate(_SPACED))
    return " ".join(text.split())


def without_punctuation(text: str) -> str:
    """The text without punctuation of any script."""
    return text.translate(_DROPPED)


def symbols_agree(answer: str, reference: str) -> bool:
    """Whether two texts that are equal without punctuation also mean the same.

    They do not if one is a number and the other is not that number (`5` and `-5`, `3.5` and `3 5`, `50` and `50%`), or
    if their words have different symbols (`C++` and `C#`).
    """
    if _SYMBOLS.findall(answer) != _SYMBOLS.findall(reference):
        return False
    if any(map(str.isalpha, reference)):
        return True
    ours, theirs = _amount(answer), _amount(reference)
    if ours is None or theirs is None:
        return ours is theirs
    return ours.equals(theirs) and (ours.unit == "%") == (theirs.unit == "%")


def _amount(text: str) -> Amount | None:
    """The number that a text consists of, ignoring articles and quotes around it; None if it is not a number."""
    return amount_of(_AROUND_A_NUMBER.sub("", _ARTICLES.sub(" ", text.lower()).strip()))
