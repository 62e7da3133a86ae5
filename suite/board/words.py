"""Answers in a format: which label, if any, an answer begins with."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

_WORD = re.compile(r"\W*(\w+)")


def first_label(output: str, labels: Sequence[str]) -> str | None:
    """The label that an answer's first word is (case and punctuation aside), or None: as the scorer reads it."""
    word = _WORD.match(output)
    return next((label for label in labels if word and label.casefold() == word[1].casefold()), None)


def labels_of(roles: Mapping[str, Mapping[str, Any]], role: str) -> tuple[str, ...]:
    """A role's label set; empty if its answers are free texts."""
    return tuple(str(label) for label in roles.get(role, {}).get("labels") or ())


def is_text_role(roles: Mapping[str, Mapping[str, Any]], role: str, labels: Sequence[str]) -> bool:
    """Whether a role's right answers are texts that do not begin with one of these labels by themselves."""
    own = {label.casefold() for label in labels_of(roles, role)}
    return own.isdisjoint(label.casefold() for label in labels)
