"""Texts that are the same, and those that are nearly so: in other case, width, spacing or punctuation."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_NUMBERED: Final = re.compile(r"(\D{0,24}?)\d+[.):\]]+\s+")
"""The number of a row at the beginning of a prompt: `12. `, `Question 12: `."""
_WITHIN_NUMBER: Final = re.compile(r"(?<=\d)[.,:](?=\d)")
_OPERATORS: Final = "*/%&#@\\"
"""Punctuation that tells sums and programs apart, as hyphens and symbols (`+`) do."""
_LETTER: Final = re.compile(r"[^\W\d_]")


class _KeptCharacters(dict[int, int | None]):
    """For `str.translate`: letters, marks, digits, symbols and operators stay, all else goes."""

    def __missing__(self, code: int) -> int | None:
        category = unicodedata.category(chr(code))
        stays = category[0] in "LMNS" or category == "Pd" or chr(code) in _OPERATORS
        self[code] = code if stays else None
        return self[code]


_KEPT: Final = _KeptCharacters()


def normalised(text: str) -> str:
    """Text in Unicode's composed form with single spaces."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def near_keys(text: str) -> frozenset[int]:
    """Texts that are nearly the same have one of these in common, within a process. A text without letters has none."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    numbered = _NUMBERED.match(folded)
    forms = [folded, numbered[1] + folded[numbered.end() :]] if numbered else [folded]
    return frozenset(hash(_letters(each)) for each in forms if _LETTER.search(each))


def _letters(text: str) -> str:
    """A point within a number is a part of it: 1.5 is not nearly 15."""
    return _WITHIN_NUMBER.sub("-", text).translate(_KEPT)
