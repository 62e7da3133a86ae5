"""Texts compared as people read them: without case, punctuation and articles, but never one number for another."""

from __future__ import annotations

import re
import string
import unicodedata
from typing import Final

from suite.core.numbers import Amount, amount_of

_ARTICLES: Final = re.compile(r"\b(a|an|the)\b")
_AROUND_A_NUMBER: Final = re.compile(r"^[^\w+\-\u2212$€£¥.]+|[^\w%$€£¥]+$")
_SYMBOLS: Final = re.compile(r"(?<=[^\W_])[+#]{1,2}(?![+#]|[^\W\d])")
"""What makes another word of the one before it: `C++`, `C#`."""


class _Replaced(dict[int, str]):
    """For `str.translate`: punctuation of any script becomes one text, all else stays."""

    def __init__(self, text: str) -> None:
        super().__init__(dict.fromkeys(map(ord, string.punctuation + "´"), text))
        self._text = text

    def __missing__(self, code: int) -> str:
        self[code] = self._text if unicodedata.category(chr(code))[0] == "P" else chr(code)
        return self[code]


_SPACED: Final = _Replaced(" ")
_DROPPED: Final = _Replaced("")


def normalised(text: str) -> str:
    """Lower case, without punctuation, articles and spare spaces: as TriviaQA's own scorer has it, for any script."""
    text = _ARTICLES.sub(" ", text.lower().replace("_", " ").translate(_SPACED))
    return " ".join(text.split())


def without_punctuation(text: str) -> str:
    """A text without the punctuation of any script."""
    return text.translate(_DROPPED)


def symbols_agree(answer: str, reference: str) -> bool:
    """Whether two texts that are equal without punctuation mean the same.

    They do not where one is a number and the other is not that number (`5` and `-5`, `3.5` and `3 5`, `50` and `50%`),
    or where other symbols follow their words (`C++` and `C#`).
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
    """The number that a text is, without articles, quotes and the like around it."""
    return amount_of(_AROUND_A_NUMBER.sub("", _ARTICLES.sub(" ", text.lower()).strip()))
