"""Numbers as people and models write them: `18`, `18.00`, `1,200`, `1 200`, `$2.50`, `18 €`, `5 %`, `−3`, `+7`."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final, NamedTuple

LONGEST: Final = 60
"""Maximum number of characters; a longer text is not a number."""

CURRENCIES: Final = frozenset("$€£¥")
UNITS: Final = CURRENCIES | {"%"}

_NUMBER: Final = re.compile(
    r"([+\-\u2212]?)([$€£¥]?)\s?([+\-\u2212]?)"
    r"(\d{1,3}(?:([,'’ \u00a0\u2009\u202f])\d{3})(?:\5\d{3})*|\d+)?(\.\d*)?\.?"
    r"(?:\s?([$€£¥%])\.?)?"
)


class Amount(NamedTuple):
    """A number with its currency or per cent sign."""

    value: Decimal
    unit: str = ""

    def equals(self, other: Amount) -> bool:
        """Whether the numbers are equal, and the units if both have one."""
        return self.value == other.value and (self.unit == other.unit or not self.unit or not other.unit)


def amount_of(text: str) -> Amount | None:
    """The number that a whole text consists of, with its unit; a full stop may follow. None if it is not a number.

    Commas, apostrophes and spaces only separate thousands (`1,200`): `1,2` is not a number.
    """
    text = text.strip()
    found = _NUMBER.fullmatch(text) if len(text) <= LONGEST else None
    if found is None or not any(character.isdecimal() for character in text):
        return None
    first, before, second, digits, mark, decimals, after = found.groups(default="")
    if (first and second) or (before and after):
        return None
    whole = digits.replace(mark, "") if mark else digits or "0"
    value = Decimal(f"{whole}{decimals if len(decimals) > 1 else ''}")
    return Amount(-value if (first or second) in ("-", "\u2212") else value, before or after)


def number_of(text: str) -> Decimal | None:
    """The number that a whole text consists of, whatever its unit; None if it is not a number."""
    found = amount_of(text)
    return None if found is None else found.value


def same_number(said: str, right: str) -> bool:
    """Whether both texts are equal numbers. `5 %` does not equal `$5`; 5 equals either."""
    ours, theirs = amount_of(said), amount_of(right)
    return ours is not None and theirs is not None and ours.equals(theirs)
