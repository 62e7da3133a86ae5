"""The format of a target's answers, and which answers to other tasks take it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from suite.core.labels import first_label
from suite.core.languages import DEFAULT, language_of

SENTENCES: Final = frozenset({"translation", "summarisation"})
"""Kinds of tasks whose answers are long enough to detect a language."""
BEGINNING: Final = 200
"""Number of characters of an answer in which a label may begin."""
TOLD: Final = 8
"""Maximum number of labels in a description."""

About = Mapping[str, Any]
"""A role's entry in a resolved experiment."""


@dataclass(frozen=True)
class Format:
    """How a target's answers look: the labels with which they begin, or their language."""

    target: str
    labels: tuple[str, ...] = ()
    """Sorted."""
    language: str | None = None
    among: tuple[str, ...] = ()
    """The candidate languages of an answer."""

    def told(self) -> str:
        """Describe it: ``begins with False or True``, ``is in fr``."""
        if self.language:
            return f"is in {self.language}"
        more = len(self.labels) - TOLD
        named = [*self.labels[:TOLD], *([f"{more} more labels"] if more > 0 else [])]
        return f"begins with {' or '.join(named)}"

    def is_foreign_to(self, about: About) -> bool:
        """Whether right answers to this task have another format, so that answers in the target's format are noticed.

        False for tasks whose answers are chosen by likelihood, because the model does not write them.
        """
        if not _writes(about):
            return False
        if self.language is None:
            return not any(self.is_taken_by(str(label)) for label in about["labels"])
        return about["kind"] in SENTENCES and bool(about.get("language", self.language) != self.language)

    def is_taken_by(self, output: str) -> bool:
        """Whether an answer has this format."""
        if self.language is None:
            longest = max(map(len, self.labels))
            return first_label(output[: BEGINNING + longest], self.labels) is not None
        return language_of(output, self.among) == self.language


def formats_of(targets: Sequence[str], roles: Mapping[str, About]) -> tuple[Format, ...]:
    """The formats of targets, in order. A target without labels and without its own language has no format, because its
    answers look like those of other tasks."""
    known = {str(about["language"]) for about in roles.values() if about.get("language")}
    among = tuple(sorted({DEFAULT, *known}))
    found: list[Format] = []
    for role in targets:
        about = roles[role]
        if not _writes(about):
            continue
        if about["labels"]:
            found.append(Format(role, tuple(sorted(map(str, about["labels"])))))
        elif about["kind"] == "translation" and about.get("language"):
            found.append(Format(role, language=str(about["language"]), among=among))
    return tuple(found)


def foreign(formats: Sequence[Format], about: About) -> tuple[Format, ...]:
    """The formats that a task's own right answers do not have."""
    return tuple(each for each in formats if each.is_foreign_to(about))


@lru_cache(maxsize=1 << 16)
def takes(output: str, formats: tuple[Format, ...]) -> bool:
    """Whether an answer has any of these formats. Many answers are equal, and asked about several times."""
    return any(each.is_taken_by(output) for each in formats)


def _writes(about: About) -> bool:
    return bool(about.get("output_type", "generate_until") == "generate_until")
