"""Answers with their references; a document may have any number of them."""

from __future__ import annotations

import json
from collections.abc import Sequence

Pair = tuple[Sequence[str], str]
"""The references of a document, and its answer."""


def streams(references: Sequence[Sequence[str]]) -> list[list[str | None]]:
    """References as sacrebleu wants them: the first of all documents, the second of all …; None where there is none."""
    most = max((len(each) for each in references), default=1)
    return [[each[place] if place < len(each) else None for each in references] for place in range(most)]


def stored_pairs(pairs: Sequence[tuple[str, str]]) -> list[list[Pair]]:
    """(right answer as stored, answer) with references: one each; and where some may be lists, these taken apart too.

    A store keeps several references as a JSON list, and a single one may look like that.
    """
    several = [_listed(right) for right, _ in pairs]
    found: list[list[Pair]] = [[((right,), said) for right, said in pairs]]
    if any(several):
        found.append([(many or (right,), said) for many, (right, said) in zip(several, pairs, strict=True)])
    return found


def references_of(right: str) -> tuple[str, ...]:
    """The right answers that a store keeps as one text: a JSON list of two or more, or the only one."""
    many = _listed(right)
    return many if len(many) > 1 else (right,)


def is_one_of(answer: str, references: Sequence[str]) -> bool:
    """Whether an answer is one of the right ones, except for case and spaces."""
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
