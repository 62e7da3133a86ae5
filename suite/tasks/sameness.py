"""Equal texts, and nearly equal texts: they differ only in case, width, spacing or punctuation."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_NUMBERED: Final = re.compile(r"(\D{0,24}?)\d+[.):\]]+\s+")
"""A row's number at the beginning of a prompt: `12. `, `Question 12: `."""
_WITHIN_NUMBER: Final = re.compile(r"(?<=\d)[.,:](?=\d)")
_OPERATORS: Final = "*/%&#@\\"
"""Punctuation that distinguishes sums and programs, as hyphens and symbols (`+`) do."""
_LETTER: Final = re.compile(r"[^\W\d_]")


class _KeptCharacters(dict[int, int | None]):
    """Table for `str.translate`: keeps letters, marks, digits, symbols and operators, and drops everything else."""

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
    """Hashes of a text; nearly equal texts share one, within a process. A text without letters has none."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    numbered = _NUMBERED.match(folded)
    forms = [folded, numbered[1] + folded[numbered.end() :]] if numbered else [folded]
    return frozenset(hash(_letters(each)) for each in forms if _LETTER.search(each))


def _letters(text: str) -> str:
    """Characters that are compared. A point within a number is kept: 1.5 is not nearly 15."""
    return _WITHIN_NUMBER.sub("-", text).translate(_KEPT)
