"""Find class labels in a text, at its beginning or anywhere, and return them as the task lists them.

A label is any text: several words, punctuation (`half-true`, `C++`), any script, a number. If labels begin alike, the
longest one that matches counts. These differences are ignored: case (unless it is significant or labels differ only by
it), amount of white space, kinds of dashes, Unicode composition, and notations of a number (`1.0` and `1`). A space may
replace a hyphen between words if no other label is meant (`half true`).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

from suite.core.numbers import CURRENCIES, UNITS, Amount, amount_of
from suite.core.words import continuous

_NUMBER: Final = re.compile(r"[+\-]?\d+(?:[.,]\d+)*")
_EXPRESSION: Final = re.compile(r"[+\-]?\d+(?:[.,/:\-]\d+)*")
"""A number, or several that belong together: `1/2`, `1-2`, `1:2`."""
_DASHES: Final = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-"))
_BETWEEN_WORDS: Final = re.compile(r"(?<=[^\W\d_])[- ](?=[^\W\d_])")
_SUFFIX: Final = re.compile(r"[+#]{1,2}(?![+#]|[^\W\d])")
"""Symbols that make the preceding word another word: `C++`, `C#`, `A+`."""


def first_label(output: str, labels: Sequence[str], *, ignore_case: bool = True) -> str | None:
    """The label with which an answer begins, ignoring punctuation before it and (by default) case; None if there is
    none."""
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
    """The label that an answer names first, anywhere, ignoring case by default; None if there is none."""
    ignore_case = ignore_case and not differ_by_case(tuple(labels))
    text, known = _plain(output, ignore_case), _known(tuple(labels), ignore_case)
    for at in _starts(text):
        found = _label_at(text, at, known)
        if found is not None:
            return found
    return None


def as_label(value: Any, labels: Sequence[str]) -> str | None:
    """The listed label that a row's value equals as a text or as a number; None if there is none.

    JSON's true and false are 1 and 0 if these are labels. Unlike in answers, a space is not accepted for a hyphen.
    """
    text = str(value)
    if text in labels:
        return text
    ignore_case = not differ_by_case(tuple(labels))
    plain, known = _plain(text, ignore_case), _known(tuple(labels), ignore_case)
    amount = Amount(Decimal(int(value))) if isinstance(value, bool) else amount_of(plain)
    same = next((label for label in labels if _plain(label, ignore_case) == plain), None)
    return same or _of_amount(amount, known)


@lru_cache(maxsize=256)
def differ_by_case(labels: tuple[str, ...]) -> bool:
    """Whether two labels differ only by case (`C` and `c`), so that case is significant."""
    cased, caseless = ({_plain(label, ignore_case) for label in labels} for ignore_case in (False, True))
    return len(caseless) < len(cased)


def alike(labels: Sequence[str]) -> tuple[str, str] | None:
    """Two labels that an answer could not distinguish, or None. A blank label counts as equal to itself."""
    known: dict[str, str] = {}
    for label in labels:
        plain = _plain(label, ignore_case=False)
        if not plain or plain in known:
            return known.get(plain, label), label
        known[plain] = label
    return None


_Known = tuple[tuple[str, str, "Amount | None"], ...]


@lru_cache(maxsize=256)
def _known(labels: tuple[str, ...], ignore_case: bool) -> _Known:
    """(label, plain form, number or None) for each plain form of each label, longest first."""
    plain = {label: _plain(label, ignore_case) for label in labels}
    found = [(label, one, amount_of(one)) for label, one in plain.items() if one]
    others = [(label, other, None) for label, one in plain.items() for other in _others(one, {*plain.values()})]
    return tuple(sorted((*found, *others), key=lambda each: -len(each[1])))


def _others(plain: str, known: Collection[str]) -> Iterator[str]:
    """A label with hyphens replaced by spaces and vice versa, unless another label is or begins with that text."""
    for mark in " -":
        other = _BETWEEN_WORDS.sub(mark, plain)
        if other != plain and not any(f"{other} ".startswith((f"{one} ", f"{one}-")) for one in known):
            yield other


def _label_at(text: str, at: int, known: _Known) -> str | None:
    """The longest label at a position of a plain text; None if there is none."""
    for label, plain, _ in known:
        if text.startswith(plain, at) and _ends(text, at + len(plain)):
            return label
    found = _NUMBER.match(text, at)
    if found is None or not _ends(text, found.end()):
        return None
    signs = text[max(at - 2, 0) : at].rstrip()[-1:], text[found.end() : found.end() + 2].lstrip()[:1]
    number = f"{signs[0] if signs[0] in CURRENCIES else ''}{found[0]}"
    return _of_amount(amount_of(f"{number}{signs[1]}" if signs[1] in UNITS else number), known)


def _of_amount(amount: Amount | None, known: _Known) -> str | None:
    """The label equal to a number; None if there is none, or if labels with several units match a number without
    unit."""
    if amount is None:
        return None
    found = [(label, one.unit) for label, _, one in known if one is not None and one.equals(amount)]
    exact = [label for label, unit in found if unit == amount.unit]
    if exact:
        return exact[0]
    return found[0][0] if len({unit for _, unit in found}) == 1 else None


def _ends(text: str, at: int) -> bool:
    """Whether a label that ends before position `at` really ends there."""
    if at >= len(text) or (not _in_word(text[at]) and not _goes_on(text, at)):
        return True
    if not _in_word(text[at]):
        return False
    return continuous(text[at - 1]) or (_hangul(text[at - 1]) and _hangul(text[at]))


def _goes_on(text: str, at: int) -> bool:
    """Whether the number before `at` continues there (decimals, a ratio, a range), or the word does (`C++`)."""
    if text[at - 1].isdigit() and text[at] in ".,/:-" and text[at + 1 : at + 2].isdigit():
        return True
    return _in_word(text[at - 1]) and _SUFFIX.match(text, at) is not None


def _starts(text: str) -> Iterator[int]:
    """Positions of a text at which a word, a number or punctuation begins."""
    at = 0
    while at < len(text):
        yield at
        number = _EXPRESSION.match(text, at)
        if number is not None:
            at = number.end()
        elif _in_word(text[at]) and not continuous(text[at]):
            while at < len(text) and _in_word(text[at]):
                at += 1
        else:
            at += 1


def _in_word(character: str) -> bool:
    """Whether a character is part of a word: letters, digits, combining marks, and `_`."""
    return character.isalnum() or character == "_" or unicodedata.category(character)[0] == "M"


def _hangul(character: str) -> bool:
    """Whether it is a Korean syllable: particles and endings follow a word without a space."""
    return "\uac00" <= character <= "\ud7a3"


def _plain(text: str, ignore_case: bool) -> str:
    """Normalise a text: single spaces, one kind of dash, composed letters, and (by option) no case."""
    if ignore_case:
        text = text.casefold().replace("i\u0307", "i")  # the Turkish capital İ
    return " ".join(unicodedata.normalize("NFC", text).translate(_DASHES).split())
