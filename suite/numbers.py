"""Numbers as people and models write them: `18`, `18.00`, `1,200`, `$2.50`, `−3`, `+7`."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

LONGEST: Final = 60
"""Characters of a number that is read; a longer text is none."""

_NUMBER: Final = re.compile(r"([+\-\u2212]?)[$€£¥]?\s?([+\-\u2212]?)(\d{1,3}(?:,\d{3})+|\d+)?(\.\d*)?\.?%?")


def number_of(text: str) -> Decimal | None:
    """The number that a whole text is, but for signs of currency, per cent signs and a full stop; None if it is none.

    Commas part thousands (`1,200`), and only these: `1,2` is no number.
    """
    text = text.strip()
    found = _NUMBER.fullmatch(text) if len(text) <= LONGEST else None
    if found is None or not any(character.isdecimal() for character in text) or (found[1] and found[2]):
        return None
    whole, part = (found[3] or "0").replace(",", ""), found[4] or ""
    value = Decimal(f"{whole}{part if len(part) > 1 else ''}")
    return -value if (found[1] or found[2]) in ("-", "\u2212") else value


def same_number(said: str, right: str) -> bool:
    """Whether both texts are numbers, and equal."""
    number = number_of(said)
    return number is not None and number == number_of(right)
