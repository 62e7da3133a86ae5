"""The rows of `basics_arithmetic`: sums, differences, products and quotients of small numbers, from a seed.

`python -m suite.basics.arithmetic` writes them anew.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Final

from suite.basics import DATA

EXEMPLARS: Final = 8
COUNT: Final = 88
Question = tuple[str, int]


def _sum(rng: Random) -> Question:
    a, b = rng.randint(2, 9), rng.randint(2, 9)
    return f"What is {a} + {b}?", a + b


def _longer_sum(rng: Random) -> Question:
    a, b = rng.randint(11, 89), rng.randint(11, 89)
    return f"What is {a} + {b}?", a + b


def _difference(rng: Random) -> Question:
    b, rest = rng.randint(1, 9), rng.randint(1, 9)
    return f"What is {b + rest} - {b}?", rest


def _longer_difference(rng: Random) -> Question:
    b, rest = rng.randint(11, 49), rng.randint(11, 49)
    return f"What is {b + rest} - {b}?", rest


def _product(rng: Random) -> Question:
    a, b = rng.randint(2, 9), rng.randint(2, 9)
    return f"What is {a} times {b}?", a * b


def _quotient(rng: Random) -> Question:
    b, result = rng.randint(2, 9), rng.randint(2, 9)
    return f"What is {b * result} divided by {b}?", result


def _of_three(rng: Random) -> Question:
    a, b, c = (rng.randint(2, 9) for _ in range(3))
    return f"What is {a} + {b} + {c}?", a + b + c


def _missing(rng: Random) -> Question:
    a, b = rng.randint(2, 9), rng.randint(2, 9)
    return f"Which number must be added to {a} to get {a + b}?", b


KINDS: Final[tuple[Callable[[Random], Question], ...]] = (
    _sum, _longer_sum, _difference, _longer_difference, _product, _quotient, _of_three, _missing,
)  # fmt: skip


def questions() -> list[Question]:
    """All of them, no one twice; as many of each kind, the kinds in turn."""
    rng = Random("basics arithmetic")
    found: dict[str, int] = {}
    while len(found) < COUNT:
        question, answer = KINDS[len(found) % len(KINDS)](rng)
        found.setdefault(question, answer)
    return list(found.items())


def files() -> dict[str, str]:
    """File -> its content."""
    lines = [json.dumps({"question": question, "answer": str(answer)}) + "\n" for question, answer in questions()]
    return {"train.jsonl": "".join(lines[:EXEMPLARS]), "test.jsonl": "".join(lines[EXEMPLARS:])}


if __name__ == "__main__":
    for name, text in files().items():
        (DATA / "basics_arithmetic" / name).write_text(text, encoding="utf-8", newline="\n")
