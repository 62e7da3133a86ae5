"""Labels of a classification in a text: found at its beginning or anywhere, and written as the task lists them.

A label is any text: several words, punctuation (`half-true`, `C++`), any script, a number. Of labels that begin alike
the longest counts. Case (unless it is told to count, or labels differ by it alone), the width of white space and the
ways in which Unicode composes a letter make no difference, and neither do two ways to write a number (`1.0` and `1`).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

from suite.numbers import number_of
from suite.words import continuous

_NUMBER: Final = re.compile(r"[+\-\u2212]?\d+(?:[.,]\d+)*")


def first_label(output: str, labels: Sequence[str], *, ignore_case: bool = True) -> str | None:
    """The label that an answer begins with (punctuation before it aside, and case unless told), or None."""
    ignore_case = ignore_case and not differ_by_case(tuple(labels))
    text, known = _plain(output, ignore_case), _known(tuple(labels), ignore_case)
    for at in range(len(text)):
        found = _label_at(text, at, known)
        if found is not None:
            return found
        if _in_word(text[at]) or _NUMBER.match(text, at):
            return None
    return None


def named_label(output: str, labels: Sequence[str], *, ignore_case: bool = True) -> str | None:
    """The label that an answer names first, wherever it stands (case aside, unless told), or None."""
    ignore_case = ignore_case and not differ_by_case(tuple(labels))
    text, known = _plain(output, ignore_case), _known(tuple(labels), ignore_case)
    for at in _starts(text):
        found = _label_at(text, at, known)
        if found is not None:
            return found
    return None


def as_label(value: Any, labels: Sequence[str]) -> str | None:
    """The label that a value of a row stands for, as the task lists it: the same text, or the same number; else None.

    A true and a false of JSON are 1 and 0 where the labels are these.
    """
    text = str(value)
    if text in labels:
        return text
    ignore_case = not differ_by_case(tuple(labels))
    plain = _plain(text, ignore_case)
    number = Decimal(int(value)) if isinstance(value, bool) else number_of(plain)
    known = _known(tuple(labels), ignore_case)
    same = [label for label, one, _ in known if one == plain]
    return next(iter(same), None) or next((label for label, _, one in known if one is not None and one == number), None)


@lru_cache(maxsize=256)
def differ_by_case(labels: tuple[str, ...]) -> bool:
    """Whether two of the labels are the same text but for case (`C` and `c`), so that case has to count."""
    cased, caseless = ({_plain(label, ignore_case) for label in labels} for ignore_case in (False, True))
    return len(caseless) < len(cased)


def alike(labels: Sequence[str]) -> tuple[str, str] | None:
    """Two labels that no answer could tell apart, or None; a blank one is like itself."""
    known: dict[str, str] = {}
    for label in labels:
        plain = _plain(label, ignore_case=False)
        if not plain or plain in known:
            return known.get(plain, label), label
        known[plain] = label
    return None


_Known = tuple[tuple[str, str, "Decimal | None"], ...]


@lru_cache(maxsize=256)
def _known(labels: tuple[str, ...], ignore_case: bool) -> _Known:
    """Each label with its plain form and the number that it is, the longest first."""
    plain = [(label, _plain(label, ignore_case)) for label in labels]
    found = [(label, one, number_of(one)) for label, one in plain]
    return tuple(sorted((each for each in found if each[1]), key=lambda each: -len(each[1])))


def _label_at(text: str, at: int, known: _Known) -> str | None:
    """The longest label that stands at a place of a plain text."""
    for label, plain, _ in known:
        if text.startswith(plain, at) and _ends(text, at + len(plain)):
            return label
    found = _NUMBER.match(text, at)
    if found is None or not _ends(text, found.end()):
        return None
    number = number_of(found[0])
    return next((label for label, _, one in known if one is not None and one == number), None)


def _ends(text: str, at: int) -> bool:
    """Whether a label that reaches up to `at` is over there."""
    if at >= len(text) or (not _in_word(text[at]) and not _goes_on(text, at)):
        return True
    return _in_word(text[at]) and continuous(text[at - 1])


def _goes_on(text: str, at: int) -> bool:
    """Whether the number before `at` goes on there with its decimals."""
    return text[at - 1].isdigit() and text[at] in ".," and text[at + 1 : at + 2].isdigit()


def _starts(text: str) -> Iterator[int]:
    """The places of a text at which a word, a number or punctuation begins."""
    at = 0
    while at < len(text):
        yield at
        number = _NUMBER.match(text, at)
        if number is not None:
            at = number.end()
        elif _in_word(text[at]) and not continuous(text[at]):
            while at < len(text) and _in_word(text[at]):
                at += 1
        else:
            at += 1


def _in_word(character: str) -> bool:
    """Whether a character is part of a word: letters, digits, the marks that go with them, and `_`."""
    return character.isalnum() or character == "_" or unicodedata.category(character)[0] == "M"


def _plain(text: str, ignore_case: bool) -> str:
    """A text with single spaces and with its letters composed, and without case."""
    return " ".join(unicodedata.normalize("NFC", text.casefold() if ignore_case else text).split())
