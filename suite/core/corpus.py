"""Answers with their references; a document may have several references."""

from __future__ import annotations

import json
from collections.abc import Sequence

Pair = tuple[Sequence[str], str]
"""The references of a document, and the answer to it."""


def streams(references: Sequence[Sequence[str]]) -> list[list[str | None]]:
    """References in sacrebleu's layout: the first of all documents, the second of all …; None where one is missing."""
    most = max((len(each) for each in references), default=1)
    return [[each[place] if place < len(each) else None for each in references] for place in range(most)]


def stored_pairs(pairs: Sequence[tuple[str, str]]) -> list[list[Pair]]:
    """(stored right answer, answer) pairs with references: first one reference each, then with stored lists parsed.

    A store keeps several references as a JSON list, but a single reference may look like one; the second reading is
    only given if some do.
    """
    several = [_listed(right) for right, _ in pairs]
    found: list[list[Pair]] = [[((right,), said) for right, said in pairs]]
    if any(several):
        found.append([(many or (right,), said) for many, (right, said) in zip(several, pairs, strict=True)])
    return found


def references_of(right: str) -> tuple[str, ...]:
    """The right answers that a store keeps as one text: the items of a JSON list, or the text itself."""
    many = _listed(right)
    return many if len(many) > 1 else (right,)


def is_one_of(answer: str, references: Sequence[str]) -> bool:
    """Whether an answer equals one of the references, ignoring case and spacing."""
    return _plain(answer) in {_plain(reference) for reference in references}


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()


def _listed(right: str) -> tuple[str, ...]:
    if not right.startswith("["):
        return ()
    try:
        many = json.loads(right)
    except ValueError:
        return ()
    return tuple(many) if isinstance(many, list) and all(isinstance(each, str) for each in many) else ()
